package eventim

import (
	"errors"
	"syscall"
	"testing"

	"github.com/IBM/sarama"
)

// away is a consumer whose brokers are away for some attempts.
type away struct {
	sarama.Consumer
	attempts int
	errs     []error
}

func (a *away) ConsumePartition(string, int32, int64) (sarama.PartitionConsumer, error) {
	a.attempts++
	if len(a.errs) == 0 {
		return struct{ sarama.PartitionConsumer }{}, nil
	}
	err := a.errs[0]
	a.errs = a.errs[1:]
	return nil, err
}

// A tail that begins while the brokers are away waits for them, and does not end
// the process that it is a part of.
func TestTailBeginsWhileBrokersAreAway(t *testing.T) {
	t.Parallel()
	refused := syscall.ECONNREFUSED
	for name, c := range map[string]struct {
		errs     []error
		attempts int
		want     error
	}{
		"they come back":     {[]error{refused, sarama.ErrOutOfBrokers, sarama.ErrLeaderNotAvailable}, 4, nil},
		"the offset is gone": {[]error{refused, sarama.ErrOffsetOutOfRange}, 2, sarama.ErrOffsetOutOfRange},
	} {
		consumer := &away{errs: c.errs}
		_, err := (&tail{topic: "t"}).consume(t.Context(), consumer, 0, 7)
		if !errors.Is(err, c.want) || consumer.attempts != c.attempts {
			t.Errorf("%s: %v after %d attempts, want %v after %d", name, err, consumer.attempts, c.want, c.attempts)
		}
	}
}

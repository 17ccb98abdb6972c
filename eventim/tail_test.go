package eventim

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
)

// A tail that begins while the brokers are away waits for them, and does not end
// the process that it is a part of; but it does not wait for what stays.
func TestTailBeginsWhileBrokersAreAway(t *testing.T) {
	t.Parallel()
	away := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for name, c := range map[string]struct {
		errs     []error
		attempts int
		want     error
	}{
		"they come back":           {[]error{away, sarama.ErrOutOfBrokers, sarama.ErrLeaderNotAvailable}, 4, nil},
		"the offset is gone":       {[]error{away, sarama.ErrOffsetOutOfRange}, 2, sarama.ErrOffsetOutOfRange},
		"the topic is not there":   {[]error{away, sarama.ErrUnknownTopicOrPartition}, 2, sarama.ErrUnknownTopicOrPartition},
		"the password is wrong":    {[]error{sarama.Wrap(sarama.ErrOutOfBrokers, sarama.ErrSASLAuthenticationFailed)}, 1, sarama.ErrOutOfBrokers},
		"the topic is not for us":  {[]error{sarama.ErrTopicAuthorizationFailed}, 1, sarama.ErrTopicAuthorizationFailed},
		"the configuration is bad": {[]error{sarama.ConfigurationError("bad")}, 1, sarama.ConfigurationError("bad")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				_, err := obtain(t.Context(), func() (int, error) {
					attempts++
					if attempts > len(c.errs) {
						return 1, nil
					}
					return 0, c.errs[attempts-1]
				})
				if !errors.Is(err, c.want) || attempts != c.attempts {
					t.Errorf("%v after %d attempts, want %v after %d", err, attempts, c.want, c.attempts)
				}
			})
		})
	}
}

// A tail whose brokers never come is ended like any.
func TestTailThatWaitsEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil { // nobody listens there
		t.Fatal(err)
	}
	if err := Tail(ctx, Kafka{Brokers: []string{address}}, "t", nil, nil); err != nil {
		t.Errorf("got %v, want none: that ctx ends is no error", err)
	}
}

package embedded

import (
	"errors"
	"sync"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/devbroker"
)

// Broker is a Kafka broker in this process. It keeps what Kafka promises of
// transactions, also when the process is killed. Its cluster has an id that
// belongs to its directory, and its address is the same at the next start, if it
// is still free.
type Broker struct {
	broker *devbroker.Broker
	close  func() error
}

// StartBroker starts a broker, which serves when it returns.
func StartBroker(c Config) (*Broker, error) {
	dir, remove, err := c.place()
	if err != nil {
		return nil, err
	}
	b, err := devbroker.Start(devbroker.Config{Dir: dir, Logger: c.Logger})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return &Broker{b, sync.OnceValue(func() error { return errors.Join(b.Close(), remove()) })}, nil
}

// Kafka is how to reach the broker, from any process of this machine.
func (b *Broker) Kafka() eventim.Kafka { return eventim.Kafka{Brokers: []string{b.broker.Addr()}} }

// Close stops the broker. It may be called more than once; end before it what
// uses the broker.
func (b *Broker) Close() error { return b.close() }

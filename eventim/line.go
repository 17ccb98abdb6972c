package eventim

import (
	"net"
	"sync/atomic"

	"github.com/IBM/sarama"
)

// line watches the connections of a client: sarama replaces one that is lost
// without a word, when it asks for metadata.
type line struct {
	inner dialer
	lost  atomic.Bool
}

func watchLine(c *sarama.Config) *line {
	l := &line{inner: dialerOf(c)}
	c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, l
	return l
}

// Dial implements the dialer of sarama's proxy.
func (l *line) Dial(network, address string) (net.Conn, error) {
	conn, err := l.inner.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return &watchedConn{conn, l}, nil
}

type watchedConn struct {
	net.Conn
	line *line
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.line.lost.Store(true)
	}
	return n, err
}

func (c *watchedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		c.line.lost.Store(true)
	}
	return n, err
}

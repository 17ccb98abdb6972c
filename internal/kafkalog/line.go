package kafkalog

import (
	"net"
	"sync/atomic"

	"github.com/IBM/sarama"
)

// Line watches the connections of a client: sarama replaces one that is lost
// without a word, when it asks for metadata.
type Line struct {
	inner dialer
	lost  atomic.Bool
}

// Lost tells whether a connection has been lost since the client was made.
func (l *Line) Lost() bool { return l.lost.Load() }

// WatchLine lets the clients that are made with c tell when they lose a connection.
func WatchLine(c *sarama.Config) *Line {
	l := &Line{inner: dialerOf(c)}
	c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, l
	return l
}

// Dial implements the dialer of sarama's proxy.
func (l *Line) Dial(network, address string) (net.Conn, error) {
	conn, err := l.inner.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return &watchedConn{conn, l}, nil
}

type watchedConn struct {
	net.Conn
	line *Line
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

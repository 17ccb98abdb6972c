package kafkalog

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// borrowed is a connection on which sarama has authenticated and asks nothing
// more, for the one request that it has no type for. So whatever Configure says
// of TLS, SASL and proxies holds for that request, too.
type borrowed struct {
	broker *sarama.Broker
	conn   net.Conn // carries the frames, inside TLS
	client string
}

// Borrow connects to a broker.
func Borrow(ctx context.Context, k Kafka, address string) (*borrowed, error) {
	c := k.Config()
	through := &lending{ctx: ctx, inner: dialerOf(c)}
	if c.Net.TLS.Enable {
		through.tls = serverName(c.Net.TLS.Config, address)
		c.Net.TLS.Enable, c.Net.TLS.Config = false, nil // it is below sarama, so that the frames are ours to write
	}
	c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, through
	broker := sarama.NewBroker(address)
	err := broker.Open(c)
	if err == nil {
		_, err = broker.Connected() // waits until it is authenticated
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to %s: %w", address, err), through.close())
	}
	return &borrowed{broker, through.conn, c.ClientID}, nil
}

func (b *borrowed) Close() error { return b.broker.Close() }

// Request sends a request with a flexible header and returns the body of the
// answer. Nothing of sarama's is under way meanwhile: it reads only what it has
// asked for.
func (b *borrowed) Request(key, version int16, body []byte) ([]byte, error) {
	const correlation = 1 << 30 // none of sarama's
	frame := binary.BigEndian.AppendUint16(make([]byte, 4), uint16(key))
	frame = binary.BigEndian.AppendUint16(frame, uint16(version))
	frame = binary.BigEndian.AppendUint32(frame, correlation)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(b.client)))
	frame = append(append(frame, b.client...), NoTags)
	frame = append(frame, body...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if err := b.conn.SetDeadline(time.Now().Add(AnswerTimeout)); err != nil {
		return nil, err
	}
	if _, err := b.conn.Write(frame); err != nil {
		return nil, err
	}
	var head [9]byte // size, correlation, tags
	if _, err := io.ReadFull(b.conn, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 5 || size > 1<<20 || binary.BigEndian.Uint32(head[4:]) != correlation || head[8] != NoTags {
		return nil, fmt.Errorf("an answer that was not asked for: % x", head)
	}
	answer := make([]byte, size-5)
	_, err := io.ReadFull(b.conn, answer)
	return answer, err
}

// NoTags ends what KIP-482 lets grow.
const NoTags = 0

// dialer is what sarama's configuration takes for a proxy.
type dialer interface {
	Dial(network, address string) (net.Conn, error)
}

// lending is a dialer that keeps what it has dialled.
type lending struct {
	ctx   context.Context
	inner dialer
	tls   *tls.Config // nil: none
	conn  net.Conn
}

// Dial implements the dialer of sarama's proxy.
func (l *lending) Dial(network, address string) (net.Conn, error) {
	conn, err := l.inner.Dial(network, address)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	if l.tls == nil {
		return conn, nil
	}
	secured := tls.Client(conn, l.tls)
	l.conn = secured
	if err := secured.HandshakeContext(l.ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secured, nil
}

func (l *lending) close() error {
	if l.conn == nil {
		return nil
	}
	if err := l.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// dialerOf is how sarama reaches brokers with this configuration.
func dialerOf(c *sarama.Config) dialer {
	if c.Net.Proxy.Enable {
		return c.Net.Proxy.Dialer
	}
	return &net.Dialer{Timeout: c.Net.DialTimeout, KeepAlive: c.Net.KeepAlive, LocalAddr: c.Net.LocalAddr}
}

// serverName completes a TLS configuration as sarama does.
func serverName(c *tls.Config, address string) *tls.Config {
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.ServerName == "" && !c.InsecureSkipVerify {
		c = c.Clone()
		c.ServerName, _, _ = net.SplitHostPort(address)
	}
	return c
}

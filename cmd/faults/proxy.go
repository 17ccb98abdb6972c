package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// proxy stands between one handler and all brokers. It understands as much of
// the protocol as it needs to keep the handler from going around it, and to
// know the end of a transaction when it sees one.
type proxy struct {
	brokers   []string
	listeners []net.Listener
	goroutine sync.WaitGroup

	mu     sync.Mutex
	mode   mode
	healed chan struct{} // closed with each change of mode
	links  map[*link]struct{}
	struck int // frames that the mode has done something to
}

// mode is what is wrong with the network.
type mode struct {
	holdRequests, holdResponses bool          // nothing passes, and comes late when all is well again
	delay                       time.Duration // of each frame
	lateEnd                     time.Duration // the next end of a transaction comes that late, and its sender hears nothing
	doubleEnd                   time.Duration // the next end of a transaction comes once more, that late
}

func newProxy(ctx context.Context, brokers []string) (*proxy, error) {
	p := &proxy{brokers: brokers, healed: make(chan struct{}), links: map[*link]struct{}{}}
	for node := range brokers {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.listeners = append(p.listeners, l)
		p.goroutine.Go(func() { p.accept(l, node) })
	}
	return p, nil
}

func (p *proxy) addresses() (list []string) {
	for _, l := range p.listeners {
		list = append(list, l.Addr().String())
	}
	return list
}

// close ends all connections and waits.
func (p *proxy) close() error {
	var errs []error
	for _, l := range p.listeners {
		errs = append(errs, l.Close())
	}
	p.set(mode{})
	p.cut()
	p.goroutine.Wait()
	return errors.Join(errs...)
}

// set changes what is wrong, and returns how many frames the mode before has
// struck.
func (p *proxy) set(m mode) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	struck := p.struck
	p.mode, p.struck = m, 0
	close(p.healed)
	p.healed = make(chan struct{})
	return struck
}

func (p *proxy) hits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.struck
}

// cut breaks all connections, and returns how many there were.
func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
	return len(p.links)
}

// halfClose closes the direction to the handler of all connections, and returns
// how many there were.
func (p *proxy) halfClose() (closed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.deafen() {
			closed++
		}
	}
	return closed
}

func (p *proxy) accept(l net.Listener, node int) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.goroutine.Go(func() { p.serve(client, node) })
	}
}

// link is a connection of the handler to a broker.
type link struct {
	client, broker net.Conn
	sending        sync.Mutex // to the broker

	mu      sync.Mutex
	calls   map[int32]call // by correlation id
	lingers bool           // the client is gone, but not what it sent
	deaf    bool           // the client hears nothing more, but is heard
}

// call is a request without an answer.
type call struct {
	key, version int16
	surplus      int // answers that the client must not see
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.broker.Close()
}

// endRequests closes both sides, unless something is still to be sent.
func (l *link) endRequests() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lingers {
		l.close()
	}
}

// endResponses does, too, unless only the client's ears are closed.
func (l *link) endResponses() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lingers && !l.deaf {
		l.close()
	}
}

// deafen closes the direction to the client.
func (l *link) deafen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	client, ok := l.client.(*net.TCPConn)
	if !ok || l.deaf || client.CloseWrite() != nil {
		return false
	}
	l.deaf = true
	return true
}

func (p *proxy) serve(client net.Conn, node int) {
	broker, err := net.DialTimeout("tcp", p.brokers[node], 5*time.Second) //nolint:noctx // has its own bound
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{client: client, broker: broker, calls: map[int32]call{}}
	p.mu.Lock()
	p.links[l] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.requests(l); l.endRequests() })
	both.Go(func() { p.responses(l); l.endResponses() })
	both.Wait()
	l.close()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// pass waits as the mode wants it.
func (p *proxy) pass(held func(mode) bool) {
	p.mu.Lock()
	delay := p.mode.delay
	if held(p.mode) || delay > 0 {
		p.struck++
	}
	for held(p.mode) {
		healed := p.healed
		p.mu.Unlock()
		<-healed
		p.mu.Lock()
	}
	p.mu.Unlock()
	time.Sleep(delay)
}

const maxFrame = 100 << 20

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 8 && n != 4 || n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	frame := make([]byte, n)
	_, err := io.ReadFull(r, frame)
	return frame, err
}

func writeFrame(w io.Writer, frame []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)) //nolint:gosec // at most maxFrame
	return err
}

// port returns the number in host:port.
func port(address string) int32 {
	_, s, _ := net.SplitHostPort(address)
	n, _ := strconv.ParseInt(s, 10, 32)
	return int32(n)
}

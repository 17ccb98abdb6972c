package main

import (
	"encoding/binary"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	metadata        = kmsg.Metadata.Int16()
	findCoordinator = kmsg.FindCoordinator.Int16()
	apiVersions     = kmsg.ApiVersions.Int16()
	endTxn          = kmsg.EndTxn.Int16()
)

// requests passes what the handler sends.
func (p *proxy) requests(l *link) {
	for {
		frame, err := readFrame(l.client)
		if err != nil || len(frame) < 8 {
			return
		}
		c := call{key: int16(binary.BigEndian.Uint16(frame)), version: int16(binary.BigEndian.Uint16(frame[2:]))} //nolint:gosec // as it was sent
		id := int32(binary.BigEndian.Uint32(frame[4:]))                                                           //nolint:gosec // as it was sent
		p.pass(func(m mode) bool { return m.holdRequests })
		late, double := p.strikeEnd(c)
		if late > 0 {
			l.sendLate(frame, late)
			return
		}
		if double > 0 {
			c.surplus = 1
			p.goroutine.Go(func() { time.Sleep(double); _ = l.send(frame) })
		}
		l.expect(id, c)
		if l.send(frame) != nil {
			return
		}
	}
}

func (l *link) expect(id int32, c call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[id] = c
}

// strikeEnd says what to do to a request, when it ends a transaction; only once.
func (p *proxy) strikeEnd(c call) (late, double time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.key != endTxn {
		return 0, 0
	}
	late, double = p.mode.lateEnd, p.mode.doubleEnd
	p.mode.lateEnd, p.mode.doubleEnd = 0, 0
	if late > 0 || double > 0 {
		p.struck++
	}
	return late, double
}

// sendLate lets the sender see its connection break, so that it does not know
// whether the broker has the request. It has it later.
func (l *link) sendLate(frame []byte, late time.Duration) {
	_ = l.client.Close()
	l.mu.Lock()
	l.lingers = true
	l.mu.Unlock()
	time.Sleep(late)
	_ = l.send(frame)
	_ = l.broker.SetReadDeadline(time.Now().Add(time.Second)) // the responder ends with the answer
}

// send is for both who send to the broker: the connection, and a late copy.
func (l *link) send(frame []byte) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	return writeFrame(l.broker, frame)
}

// responses passes what the broker answers.
func (p *proxy) responses(l *link) {
	for {
		frame, err := readFrame(l.broker)
		if err != nil {
			return
		}
		c, answers := l.answer(int32(binary.BigEndian.Uint32(frame))) //nolint:gosec // as it was sent
		p.pass(func(m mode) bool { return m.holdResponses })
		if !answers {
			continue
		}
		if c.key == metadata || c.key == findCoordinator {
			if frame, err = p.redirect(c, frame); err != nil {
				return
			}
		}
		if writeFrame(l.client, frame) != nil {
			return
		}
	}
}

// answer returns what a response is to; false when the client has had it.
func (l *link) answer(id int32) (call, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.calls[id]
	if c.surplus > 0 {
		l.calls[id] = call{key: -1, version: c.version}
	} else {
		delete(l.calls, id)
	}
	return c, ok && c.key >= 0
}

// redirect replaces the addresses of brokers by those of the proxy.
func (p *proxy) redirect(c call, frame []byte) ([]byte, error) {
	response := kmsg.ResponseForKey(c.key)
	response.SetVersion(c.version)
	header := 4
	if response.IsFlexible() && c.key != apiVersions {
		header = 5 // and no tags
	}
	if err := response.ReadFrom(frame[header:]); err != nil {
		return nil, err
	}
	switch r := response.(type) {
	case *kmsg.MetadataResponse:
		for i := range r.Brokers {
			r.Brokers[i].Host, r.Brokers[i].Port = p.instead(r.Brokers[i].Host, r.Brokers[i].Port)
		}
	case *kmsg.FindCoordinatorResponse:
		r.Host, r.Port = p.instead(r.Host, r.Port)
		for i := range r.Coordinators {
			r.Coordinators[i].Host, r.Coordinators[i].Port = p.instead(r.Coordinators[i].Host, r.Coordinators[i].Port)
		}
	}
	return response.AppendTo(slices.Clone(frame[:header])), nil
}

func (p *proxy) instead(host string, number int32) (string, int32) {
	for node, broker := range p.brokers {
		if port(broker) == number {
			l := p.listeners[node].Addr().String()
			host, _, _ = net.SplitHostPort(l)
			return host, port(l)
		}
	}
	return host, number
}

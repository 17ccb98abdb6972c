package web

import (
	"context"
	"errors"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/eventim"
)

// read takes the frames of the client until the connection fails. It never
// waits for anything but the client, so that it sees pongs and the close.
func (k *socket) read() {
	k.conn.SetReadLimit(maxBody)
	k.alive(helloTimeout + closeTimeout)
	k.conn.SetPongHandler(func(string) error { k.alive(pongTimeout); return nil })
	err := k.readFrames()
	var protocol protocolError
	switch {
	case errors.As(err, &protocol):
		k.queue.close(websocket.ClosePolicyViolation, string(protocol))
		k.drain()
	case errors.Is(err, websocket.ErrReadLimit):
		k.queue.close(websocket.CloseMessageTooBig, "") // gorilla has said so
	default:
		k.queue.close(0, "")
	}
}

func (k *socket) alive(d time.Duration) { _ = k.conn.SetReadDeadline(time.Now().Add(d)) }

// protocolError is a client's mistake, told to it in the close frame.
type protocolError string

func (e protocolError) Error() string { return string(e) }

func (k *socket) readFrames() error {
	for {
		kind, data, err := k.conn.ReadMessage()
		if err != nil {
			return err
		}
		if kind != websocket.TextMessage {
			return protocolError("frames are text")
		}
		k.alive(pongTimeout)
		if err := k.handle(data); err != nil {
			return err
		}
	}
}

// drain waits for the client's close frame.
func (k *socket) drain() {
	k.alive(closeTimeout)
	k.conn.SetPongHandler(nil)
	for {
		if _, _, err := k.conn.NextReader(); err != nil {
			return
		}
	}
}

func (k *socket) handle(data []byte) error {
	f, wrong, err := parseFrame(data)
	switch {
	case err != nil:
		return err
	case k.queue.isClosed():
		return nil // it is being told
	case wrong != nil && k.origin == "":
		return k.open(opening{refused: refusedAs(f.ID, wrong)})
	case wrong != nil:
		k.queue.push(refusedAs(f.ID, wrong))
		return nil
	case k.origin == "":
		return k.handleHello(f)
	case f.Type == "command":
		k.handleCommand(f)
		return nil
	default:
		return protocolError("hello comes once")
	}
}

func (k *socket) handleHello(f clientFrame) error {
	if f.Type != "hello" {
		return protocolError("the first frame is hello")
	}
	if !eventim.ValidID(f.Origin) {
		return protocolError("origin of hello is missing or invalid")
	}
	k.origin = f.Origin
	return k.open(opening{hello: f})
}

// open hands on what comes until hello, in order.
func (k *socket) open(o opening) error {
	select {
	case k.opening <- o:
		return nil
	default:
		return protocolError("the first frame is hello")
	}
}

func (k *socket) handleCommand(f clientFrame) {
	if !eventim.ValidID(f.ID) {
		k.queue.push(refusedAs("", newProblem(codeRequestInvalid, "A command needs an id.")))
		return
	}
	r := commandRequest{
		id: f.ID, invoice: f.Invoice, name: f.Command, expected: f.Expected, payload: f.Payload,
		origin: k.origin, actor: k.actor, principal: k.principal,
	}
	if !k.lanes.run(f.Invoice, func() { k.command(r) }) {
		k.queue.push(refusedAs(f.ID, newProblem(codeTooManyCommands, "Wait for some of the %d commands in flight.", maxInFlight)))
	}
}

func (k *socket) command(r commandRequest) {
	// It is not given up when the connection breaks: it was asked for.
	position, problem := k.submit(context.Background(), r)
	if problem != nil {
		k.queue.push(refusedAs(r.id, problem))
		return
	}
	k.queue.push(newFrame(ackFrame{"ack", r.id, position.String()}))
}

func refusedAs(id string, p *Problem) *frame {
	return newFrame(refusedFrame{"refused", id, p.about(id)})
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/eventim"
)

// clientFrame is what a client sends: hello or command.
type clientFrame struct {
	Type string `json:"type"`

	Origin string `json:"origin"` // of hello
	Token  string `json:"token"`

	ID       string          `json:"id"` // of command
	Invoice  string          `json:"invoice"`
	Command  string          `json:"command"`
	Expected *int64          `json:"expected"`
	Payload  json.RawMessage `json:"payload"`
}

// guessed tells whether encoding/json has put U+FFFD in place of what is not
// Unicode, so that the command would be that of another id or invoice.
func (f clientFrame) guessed(data []byte) bool {
	return strings.ContainsRune(f.ID+f.Invoice+f.Command+f.Origin, utf8.RuneError) &&
		!jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true))
}

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
	var f clientFrame
	err := json.Unmarshal(data, &f)
	mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case err != nil && !ok, f.guessed(data):
		return protocolError("a frame is not the JSON that was expected")
	case k.queue.isClosed():
		return nil // it is being told
	case ok && k.origin != "":
		k.refuse(f.ID, newProblem(codeRequestInvalid, "A frame is an object, and its member %q cannot be a JSON %s.", mistyped.Field, mistyped.Value))
		return nil
	case k.origin == "":
		return k.handleHello(f)
	case f.Type == "command":
		return k.handleCommand(f)
	default:
		return protocolError("frame of unknown type")
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
	k.hello <- f
	return nil
}

func (k *socket) handleCommand(f clientFrame) error {
	if !eventim.ValidID(f.ID) {
		return protocolError("a command needs an id")
	}
	r := commandRequest{
		id: f.ID, invoice: f.Invoice, name: f.Command, expected: f.Expected, payload: f.Payload,
		origin: k.origin, actor: k.actor,
	}
	if !k.lanes.run(f.Invoice, func() { k.command(r) }) {
		k.refuse(f.ID, newProblem(codeTooManyCommands, "Wait for some of the %d commands in flight.", maxInFlight))
	}
	return nil
}

func (k *socket) command(r commandRequest) {
	// It is not given up when the connection breaks: it was asked for.
	position, problem := k.submit(context.Background(), r)
	if problem != nil {
		k.refuse(r.id, problem)
		return
	}
	k.queue.push(newFrame(ackFrame{"ack", r.id, position.String()}))
}

func (k *socket) refuse(id string, p *Problem) {
	k.queue.push(newFrame(refusedFrame{"refused", id, p.about(id)}))
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/eventim"
)

const (
	subprotocol = "eventim.v1.json"

	helloTimeout = 10 * time.Second
	pingInterval = 15 * time.Second
	pongTimeout  = 45 * time.Second
	writeTimeout = 5 * time.Second
	closeTimeout = time.Second // for the client to answer our close frame

	// maxInFlight bounds the commands of one connection that Kafka has not
	// yet acknowledged.
	maxInFlight = 64
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

// socket is one connection. The goroutine of its request writes, another one
// reads; each command is sent by the one of its invoice.
type socket struct {
	conn   *websocket.Conn
	queue  *queue
	live   *live
	log    *slog.Logger
	submit func(context.Context, commandRequest) (eventim.Position, *Problem)

	actor  string
	hello  chan clientFrame
	origin string // of hello; the reader's
	lanes  lanes
}

// serveLive upgrades GET /api/live.
func (s *Server) serveLive(w http.ResponseWriter, r *http.Request) {
	l := s.live.Load()
	if p := s.refuseSocket(l, r); p != nil {
		p.write(w)
		return
	}
	k := &socket{
		queue: newQueue(s.queueSize), live: l, log: s.log, actor: actorOf(r.Context()), submit: s.submit, hello: make(chan clientFrame, 1),
	}
	if !l.hub.admit(k.queue) {
		newProblem(codeShuttingDown, "Connect again.").write(w)
		return
	}
	defer l.hub.dismiss(k.queue)
	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	k.conn = conn
	k.run()
}

func (s *Server) refuseSocket(l *live, r *http.Request) *Problem {
	switch {
	case !websocket.IsWebSocketUpgrade(r):
		return newProblem(codeRequestInvalid, "This address speaks websocket only.")
	case !s.allowedOrigin(r):
		return newProblem(codeCrossOrigin, "Pages of %s may not connect here.", r.Header.Get("Origin"))
	case !slices.Contains(websocket.Subprotocols(r), subprotocol):
		return newProblem(codeSubprotocol, "Ask for the websocket subprotocol %s.", subprotocol)
	case l == nil:
		return newProblem(codeKafkaDown, "This server is not connected to Kafka yet. Connect again in a moment.")
	case l.hub.size() >= s.maxSockets:
		return newProblem(codeTooManySockets, "Connect again later.")
	}
	return nil
}

// allowedOrigin keeps the pages of other sites out. A browser always sends the
// header; http.CrossOriginProtection lets every GET pass.
func (s *Server) allowedOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(s.allowedOrigins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func (k *socket) run() {
	var reader sync.WaitGroup
	reader.Go(k.read)
	defer func() {
		k.conn.Close() //nolint:errcheck,gosec // nothing more to say
		reader.Wait()
		k.lanes.wait()
	}()
	if err := k.write(); err != nil {
		k.queue.close(0, "")
		return
	}
	if k.queue.code == 0 {
		return
	}
	message := websocket.FormatCloseMessage(k.queue.code, k.queue.reason)
	if k.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(writeTimeout)) != nil {
		return
	}
	// Closing TCP at once could throw away the close frame: wait for the
	// client's, which ends the reader.
	gone := make(chan struct{})
	go func() { reader.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(closeTimeout):
	}
	k.conn.Close() //nolint:errcheck,gosec // as above
	<-gone
}

// write greets the client and then sends what is queued, until the queue is
// closed or writing fails.
func (k *socket) write() error {
	select {
	case hello := <-k.hello:
		if err := k.greet(hello); err != nil {
			return err
		}
	case <-time.After(helloTimeout):
		k.queue.close(websocket.ClosePolicyViolation, "no hello in time")
	case <-k.queue.closed:
	}
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		select {
		case <-k.queue.closed:
			return nil
		case <-k.queue.ready:
			if err := k.send(k.queue.take()...); err != nil {
				return err
			}
		case <-ping.C:
			if err := k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout)); err != nil {
				return err
			}
			// Browsers do not show pings to the page.
			k.live.hub.heartbeat(k.queue)
		}
	}
}

func (k *socket) send(frames ...*frame) error {
	for _, f := range frames {
		if k.queue.isClosed() {
			return nil
		}
		if err := k.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if err := k.conn.WritePreparedMessage(f.message); err != nil {
			return err
		}
	}
	return nil
}

// greet answers hello, with what the client missed when it sent a token.
//
// The order loses nothing: from subscribe on, results wait in the queue, and
// what is older than that is read from Kafka. The queue is written after it.
func (k *socket) greet(hello clientFrame) error {
	now := k.live.hub.subscribe(k.queue, hello.Origin)
	if hello.Token == "" {
		return k.send(newFrame(welcomeFrame{"welcome", now.String(), false}))
	}
	missed, err := k.missed(hello, now)
	if err != nil {
		k.log.Info("connection not resumed", "origin", hello.Origin, "reason", err)
		return k.send(newFrame(welcomeFrame{"welcome", now.String(), false}))
	}
	// The token of the past, until everything since has been sent.
	frames := []*frame{newFrame(welcomeFrame{"welcome", missed.from.String(), true})}
	frames = append(frames, missed.frames...)
	frames = append(frames, missed.changed...)
	return k.send(append(frames, newFrame(heartbeatFrame{"heartbeat", now.String()}))...)
}

func (k *socket) missed(hello clientFrame, now token) (*replay, error) {
	from, err := parseToken(hello.Token)
	if err != nil {
		return nil, err
	}
	r, err := newReplay(hello.Origin, from, now)
	if err != nil {
		return nil, err
	}
	return r, k.live.replayer.do(r, k.queue.closed)
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
	if err := json.Unmarshal(data, &f); err != nil {
		return protocolError("a frame is not the JSON that was expected")
	}
	switch {
	case k.queue.isClosed():
		return nil // it is being told
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
	if !validID(f.Origin) {
		return protocolError("origin of hello is missing or invalid")
	}
	k.origin = f.Origin
	k.hello <- f
	return nil
}

func (k *socket) handleCommand(f clientFrame) error {
	if !validID(f.ID) {
		return protocolError("a command needs an id")
	}
	r := commandRequest{
		id: f.ID, invoice: f.Invoice, name: f.Command, expected: f.Expected, payload: f.Payload,
		origin: k.origin, actor: k.actor,
	}
	if !k.lanes.run(f.Invoice, func() { k.command(r) }) {
		p := newProblem(codeTooManyCommands, "Wait for some of the %d commands in flight.", maxInFlight).about(f.ID)
		k.queue.push(newFrame(refusedFrame{"refused", f.ID, p}))
	}
	return nil
}

func (k *socket) command(r commandRequest) {
	// It is not given up when the connection breaks: it was asked for.
	position, problem := k.submit(context.Background(), r)
	if problem != nil {
		k.queue.push(newFrame(refusedFrame{"refused", r.id, problem}))
		return
	}
	k.queue.push(newFrame(ackFrame{"ack", r.id, position.String()}))
}

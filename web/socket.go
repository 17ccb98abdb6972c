package web

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/web/access"
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

	// maxOpening bounds what a client may send before its hello is answered.
	maxOpening = 8
)

// socket is one connection. The goroutine of its request writes, another one
// reads; each command is sent by the one of its invoice.
type socket struct {
	conn   *websocket.Conn
	queue  *queue
	live   *live
	log    *slog.Logger
	submit func(context.Context, commandRequest) (eventim.Position, *Problem)

	actor     string
	principal access.Principal
	opening   chan opening
	origin    string // of hello; the reader's
	lanes     lanes
}

// opening is what comes first: hello, or the answer to a frame that was to be it.
type opening struct {
	refused *frame
	hello   clientFrame
}

func (k *socket) run() {
	var reader sync.WaitGroup
	reader.Go(k.read)
	defer func() {
		_ = k.conn.Close() // nothing more to say
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
	go func() {
		defer close(gone)
		reader.Wait()
	}()
	select {
	case <-gone:
	case <-time.After(closeTimeout):
	}
	_ = k.conn.Close()
	<-gone
}

// write greets the client and then sends what is queued, until the queue is
// closed or writing fails.
func (k *socket) write() error {
	if err := k.welcome(time.After(helloTimeout)); err != nil {
		return err
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

// welcome waits for hello, and answers it.
func (k *socket) welcome(late <-chan time.Time) error {
	for {
		select {
		case o := <-k.opening:
			if o.refused == nil {
				return k.greet(o.hello)
			}
			if err := k.send(o.refused); err != nil {
				return err
			}
		case <-late:
			k.queue.close(websocket.ClosePolicyViolation, "no hello in time")
			return nil
		case <-k.queue.closed:
			return nil
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

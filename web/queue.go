package web

import (
	"encoding/json"
	"sync"

	"github.com/gorilla/websocket"
)

// frame is a message to clients, encoded once for all who get it.
type frame struct {
	message *websocket.PreparedMessage
	changed string // invoice id of a `changed` frame: a newer one replaces it
}

func newFrame(v any) *frame {
	data, err := json.Marshal(v)
	if err == nil {
		var m *websocket.PreparedMessage
		if m, err = websocket.NewPreparedMessage(websocket.TextMessage, data); err == nil {
			return &frame{message: m}
		}
	}
	// The frames are our own types around JSON that a codec has just written.
	panic("web: encode frame: " + err.Error())
}

// queue holds what a connection has still to write. It is bounded: whoever
// fills it never waits, and a connection that is too slow is closed instead.
type queue struct {
	mu      sync.Mutex
	frames  []*frame
	changed map[string]int // index in frames, by invoice
	limit   int            // of frames, for now
	settled int            // the limit after the first take
	origin  string         // who it belongs to; guarded by the hub

	ready  chan struct{} // has room for one signal
	closed chan struct{}
	code   int // close code, once closed; 0: the client is gone, say nothing
	reason string
}

// greetingSlack is how many times its limit a queue holds before the first
// take: while a connection is told what it missed, the news must wait.
const greetingSlack = 16

func newQueue(limit int) *queue {
	return &queue{
		limit: greetingSlack * limit, settled: limit, changed: map[string]int{},
		ready: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// push adds a frame, or closes the queue with 1013 when it is full.
func (q *queue) push(f *frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.isClosed() {
		return
	}
	if i, ok := q.changed[f.changed]; ok && f.changed != "" {
		// In place: `changed` frames have no order among themselves, and no
		// token, so that being earlier promises nothing.
		q.frames[i] = f
		return
	}
	if len(q.frames) >= q.limit {
		q.closeLocked(websocket.CloseTryAgainLater, "too slow: reconnect with the last token")
		return
	}
	if f.changed != "" {
		q.changed[f.changed] = len(q.frames)
	}
	q.frames = append(q.frames, f)
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take returns what is waiting, in order.
func (q *queue) take() []*frame {
	q.mu.Lock()
	defer q.mu.Unlock()
	frames := q.frames
	q.frames, q.limit = nil, q.settled
	clear(q.changed)
	return frames
}

// close ends the connection with a close code; the first close counts.
func (q *queue) close(code int, reason string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closeLocked(code, reason)
}

func (q *queue) closeLocked(code int, reason string) {
	if q.isClosed() {
		return
	}
	q.code, q.reason, q.frames = code, reason, nil
	close(q.closed)
}

func (q *queue) isClosed() bool {
	select {
	case <-q.closed:
		return true
	default:
		return false
	}
}

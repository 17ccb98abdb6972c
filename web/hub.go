package web

import (
	"log/slog"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/eventim"
)

// hub passes results and snapshots on to the websockets, by origin. One mutex orders everything, so that a
// token says exactly what its connection has been told: position, registration
// and delivery never interleave.
type hub struct {
	aggregate Aggregate
	log       *slog.Logger

	mu      sync.Mutex
	at      token // next offsets of the tails
	origins map[string]map[*queue]struct{}
	all     map[*queue]struct{}
	joined  sync.WaitGroup
	closing bool
}

// newHub makes a hub whose tails will start at the given token.
func newHub(a Aggregate, start token, log *slog.Logger) *hub {
	return &hub{
		aggregate: a, log: log, at: start,
		origins: map[string]map[*queue]struct{}{},
		all:     map[*queue]struct{}{},
	}
}

// admit lets a connection in, unless the hub is closing. Its queue is closed
// when the hub closes, which then waits for dismiss.
func (h *hub) admit(q *queue) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.all[q] = struct{}{}
	h.joined.Add(1)
	return true
}

// subscribe makes the results of an origin and all changes arrive in q. It
// returns the position from which on they do.
func (h *hub) subscribe(q *queue, origin string) token {
	h.mu.Lock()
	defer h.mu.Unlock()
	q.origin = origin
	join(h.origins, origin, q)
	return h.at.clone()
}

// dismiss forgets a connection that was admitted.
func (h *hub) dismiss(q *queue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q.origin != "" {
		leave(h.origins, q.origin, q)
	}
	delete(h.all, q)
	h.joined.Done()
}

func join[K, M comparable](groups map[K]map[M]struct{}, key K, member M) {
	if groups[key] == nil {
		groups[key] = map[M]struct{}{}
	}
	groups[key][member] = struct{}{}
}

func leave[K, M comparable](groups map[K]map[M]struct{}, key K, member M) {
	delete(groups[key], member)
	if len(groups[key]) == 0 {
		delete(groups, key)
	}
}

// heartbeat queues the current token. Doing so under the lock keeps its
// promise: all results below it are in the queue already.
func (h *hub) heartbeat(q *queue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q.push(newFrame(heartbeatFrame{"heartbeat", h.at.String()}))
}

// result is called with each record of the results topic. A record that cannot
// be read is logged and passed over: this is news, the truth is in the views.
func (h *hub) result(rec eventim.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.at.results.advance(rec); err != nil {
		return err
	}
	queues := h.origins[rec.Header(eventim.HeaderOrigin)]
	if len(queues) == 0 {
		return nil
	}
	ans, err := decodeAnswer(h.aggregate, rec)
	if err != nil {
		h.log.Error("cannot read a result", "error", err)
		return nil
	}
	f := ans.frame(h.at)
	for q := range queues {
		q.push(f)
	}
	return nil
}

// snapshot is called with each record of the snapshots topic.
func (h *hub) snapshot(rec eventim.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.at.snapshots.advance(rec); err != nil {
		return err
	}
	if len(h.origins) == 0 || len(rec.Value) == 0 {
		return nil
	}
	f, err := decodeChanged(h.aggregate, rec)
	if err != nil {
		h.log.Error("cannot read a snapshot", "error", err)
		return nil
	}
	for _, queues := range h.origins {
		for q := range queues {
			q.push(f)
		}
	}
	return nil
}

// size is how many connections there are.
func (h *hub) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// close ends all connections with 1001 and waits for them.
func (h *hub) close() {
	h.mu.Lock()
	h.closing = true
	for q := range h.all {
		q.close(websocket.CloseGoingAway, "the server is shutting down: reconnect")
	}
	h.mu.Unlock()
	h.joined.Wait()
}

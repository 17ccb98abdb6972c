package load

import (
	"context"
	"fmt"
	"sync"
)

// inbox holds what the websocket has told, for those who wait for it.
type inbox struct {
	mu      sync.Mutex
	results map[string]result // by the position of the command
	acks    map[string]ack    // by command id
	changed chan struct{}     // closed, and made anew, with each change
	conn    *connection       // nil while there is none
}

// ack is the answer to a command that was sent over the websocket.
type ack struct {
	position string // "" when it was refused
	code     string
}

func newInbox() *inbox {
	return &inbox{results: map[string]result{}, acks: map[string]ack{}, changed: make(chan struct{})}
}

func (b *inbox) update(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	close(b.changed)
	b.changed = make(chan struct{})
}

// await waits until found says so. It is called with the lock held.
func (b *inbox) await(ctx context.Context, what string, found func() bool) error {
	for {
		b.mu.Lock()
		ok, changed := found(), b.changed
		b.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		}
	}
}

// result waits for the result of the command at a position.
func (b *inbox) result(ctx context.Context, position string) (r result, err error) {
	err = b.await(ctx, "the result of the command at "+position, func() (ok bool) {
		r, ok = b.results[position]
		return ok
	})
	return r, err
}

// connected waits until there is a connection other than one.
func (b *inbox) connected(ctx context.Context) (conn *connection, err error) {
	err = b.await(ctx, "a connection", func() bool {
		conn = b.conn
		return conn != nil
	})
	return conn, err
}

// ack waits for the answer to a command that was sent over conn; ok is false
// when the connection is gone and took the answer with it.
func (b *inbox) ack(ctx context.Context, conn *connection, id string) (a ack, ok bool, err error) {
	err = b.await(ctx, "the acknowledgement of "+id, func() bool {
		a, ok = b.acks[id]
		delete(b.acks, id)
		return ok || b.conn != conn
	})
	return a, ok, err
}

package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
)

// Waiter lets readers wait until a view shows what a command caused. A process
// needs one; it holds one connection, outside of the pool, that listens.
type Waiter struct {
	pool *pgxpool.Pool

	mu    sync.Mutex
	waits map[place]map[*wait]struct{}
}

// place is a partition of a view.
type place struct {
	view      string
	partition int32
}

type wait struct {
	offset int64
	done   chan struct{} // has room for one, so that waking never blocks
}

// NewWaiter makes a waiter. Run has to run for Await to be woken.
func NewWaiter(pool *pgxpool.Pool) *Waiter {
	return &Waiter{pool: pool, waits: map[place]map[*wait]struct{}{}}
}

// Await blocks until what the command at p caused is in view, or ctx ends,
// with the error of ctx.
//
// A command that caused nothing, such as a rejected one, is not in any view:
// then a later command of the partition ends the wait. Who learns that it
// caused nothing sends on effect the position of the last command before p
// that did, which is then waited for instead; an offset of -1 says that none
// did. A nil effect is one on which nothing comes.
func (w *Waiter) Await(ctx context.Context, view string, p eventim.Position, effect <-chan eventim.Position) error {
	// Register first: what commits between the look and the wait notifies us.
	waiting, cancel := w.register(place{view, p.Partition}, p.Offset)
	defer cancel()
	applied, err := w.applied(ctx, view, p.Partition)
	if err != nil {
		return fmt.Errorf("await %s in %s: %w", p, view, err)
	}
	if applied >= p.Offset {
		return nil
	}
	select {
	case <-waiting.done:
		return nil
	case earlier := <-effect:
		return w.Await(ctx, view, earlier, nil)
	case <-ctx.Done():
		return fmt.Errorf("await %s in %s: %w", p, view, ctx.Err())
	}
}

// Reached reports, without waiting, whether what the command at p caused is in
// view.
func (w *Waiter) Reached(ctx context.Context, view string, p eventim.Position) (bool, error) {
	applied, err := w.applied(ctx, view, p.Partition)
	if err != nil {
		return false, fmt.Errorf("look for %s in %s: %w", p, view, err)
	}
	return applied >= p.Offset, nil
}

func (w *Waiter) register(at place, offset int64) (*wait, func()) {
	entry := &wait{offset: offset, done: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waits[at] == nil {
		w.waits[at] = map[*wait]struct{}{}
	}
	w.waits[at][entry] = struct{}{}
	return entry, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waits[at], entry)
		if len(w.waits[at]) == 0 {
			delete(w.waits, at)
		}
	}
}

// applied returns -1 for a view or a partition that does not exist yet.
func (w *Waiter) applied(ctx context.Context, view string, partition int32) (int64, error) {
	offset := int64(-1)
	err := w.pool.QueryRow(ctx, `
		select command_offset from projector.positions join projector.views using (view, version)
		where view = $1 and partition = $2`, view, partition).Scan(&offset)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return -1, err
	}
	return offset, nil
}

func (w *Waiter) wake(at place, applied int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for entry := range w.waits[at] {
		if entry.offset <= applied {
			select {
			case entry.done <- struct{}{}:
			default:
			}
		}
	}
}

// Run listens until ctx ends, which is not an error, and connects again when
// the connection is lost.
func (w *Waiter) Run(ctx context.Context) error {
	failing := false
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := w.listen(ctx, func() { pause, failing = 20*time.Millisecond, false })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is not an error
		}
		if !failing {
			failing = true
			slog.WarnContext(ctx, "listening for views was interrupted; connecting again", slog.Any("error", err))
		}
		sleep(ctx, pause)
	}
}

// heartbeat is how often a silent connection is used, to learn that it is dead.
const heartbeat = 15 * time.Second

func (w *Waiter) listen(ctx context.Context, listening func()) error {
	conn, err := pgx.ConnectConfig(ctx, w.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `listen `+channel); err != nil {
		return err
	}
	listening()
	for {
		// Once now, for what was notified while nobody listened.
		if err := w.refresh(ctx, conn); err != nil {
			return err
		}
		if err := w.receive(ctx, conn); err != nil {
			return err
		}
	}
}

// receive handles notifications until there were none for a heartbeat.
func (w *Waiter) receive(ctx context.Context, conn *pgx.Conn) error {
	for {
		silence, cancel := context.WithTimeout(ctx, heartbeat)
		n, err := conn.WaitForNotification(silence)
		expired := silence.Err() != nil
		cancel()
		switch {
		case err == nil:
			w.notified(n.Payload)
		case expired && ctx.Err() == nil && !conn.IsClosed():
			return nil
		default:
			return err
		}
	}
}

func (w *Waiter) notified(payload string) {
	view, at, _ := strings.Cut(payload, ":")
	p, err := eventim.ParsePosition(at)
	if err != nil {
		return // -1: nothing is applied; or somebody else's
	}
	w.wake(place{view, p.Partition}, p.Offset)
}

func (w *Waiter) refresh(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `
		select view, partition, command_offset from projector.positions join projector.views using (view, version)`)
	if err != nil {
		return err
	}
	var at place
	var applied int64
	_, err = pgx.ForEachRow(rows, []any{&at.view, &at.partition, &applied}, func() error {
		w.wake(at, applied)
		return nil
	})
	return err
}

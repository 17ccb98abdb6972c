package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/postgres"
)

var (
	// ErrUnknownView says that a view is not there: its name is wrong, or no
	// projector has made it yet.
	ErrUnknownView = errors.New("no projector has made this view")
	// ErrUnknownPartition says that a view has no such partition.
	ErrUnknownPartition = errors.New("the view has no such partition")
)

// Waiter lets readers wait until a view shows what a command caused. A process
// needs one; it holds one connection, outside of the pool, that listens. While
// that is lost, or where a connection pooler swallows what it should hear, the
// waiter looks by itself, as long as somebody waits.
type Waiter struct {
	pool *pgxpool.Pool

	listening atomic.Bool
	arrived   chan struct{} // somebody waits; has room for one

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
	return &Waiter{pool: pool, arrived: make(chan struct{}, 1), waits: map[place]map[*wait]struct{}{}}
}

// Await blocks until what the command at p caused is in view, or ctx ends,
// with the error of ctx. Waiting for what is not there is ErrUnknownView or
// ErrUnknownPartition, at once.
//
// Whoever has the result waits for its Effect, if it has one. A command that
// caused nothing, such as a rejected one, is not in any view: while only its
// position is known, a later command of the partition ends the wait. Who learns that it
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
	select {
	case w.arrived <- struct{}{}:
	default:
	}
	return entry, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waits[at], entry)
		if len(w.waits[at]) == 0 {
			delete(w.waits, at)
		}
	}
}

func (w *Waiter) applied(ctx context.Context, view string, partition int32) (int64, error) {
	var offset *int64
	err := w.pool.QueryRow(ctx, `
		select (select max(command_offset) from projector.positions p
			where p.view = live.view and p.version = live.version and p.partition = $2)
		from projector.views live where view = $1`, view, partition).Scan(&offset)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, fmt.Errorf("%w: %s", ErrUnknownView, view)
	case err != nil:
		return 0, err
	case offset == nil:
		return 0, fmt.Errorf("%w: %s, partition %d", ErrUnknownPartition, view, partition)
	default:
		return *offset, nil
	}
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
	var looking sync.WaitGroup
	defer looking.Wait()
	looking.Go(func() { w.look(ctx) })
	failing := false
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := w.listen(ctx, func() { pause, failing = 20*time.Millisecond, false })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is not an error
		}
		if errors.Is(err, errPooled) {
			slog.InfoContext(ctx, "a connection pooler is before Postgres, where notifications may be lost; the views are looked at instead")
			<-ctx.Done()
			return nil
		}
		if !failing {
			failing = true
			slog.WarnContext(ctx, "listening for views was interrupted; connecting again", slog.Any("error", err))
		}
		kafkalog.Sleep(ctx, pause)
	}
}

const (
	// heartbeat is how often a silent connection is used, to learn that it is dead.
	heartbeat = 15 * time.Second
	// lookAgain is how often a waiter that does not hear looks by itself, and
	// mistrust how often one does that should hear.
	lookAgain = 50 * time.Millisecond
	mistrust  = 2 * time.Second
)

// look wakes whoever waits, without notifications, until ctx ends. It asks
// nothing while nobody waits.
func (w *Waiter) look(ctx context.Context) {
	for {
		select {
		case <-w.arrived:
		case <-ctx.Done():
			return
		}
		last := time.Now()
		for w.awaited() && kafkalog.Sleep(ctx, lookAgain) {
			if w.listening.Load() && time.Since(last) < mistrust {
				continue
			}
			last = time.Now()
			_ = w.refresh(ctx, w.pool) // the next look will tell, or the end of the wait
		}
	}
}

func (w *Waiter) awaited() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waits) > 0
}

var errPooled = errors.New("a connection pooler is between")

func (w *Waiter) listen(ctx context.Context, listening func()) error {
	conn, err := postgres.Connect(ctx, w.pool, "waiter")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	pooled, err := postgres.Pooled(ctx, conn.PgConn())
	if err != nil {
		return err
	}
	if pooled {
		return errPooled
	}
	if _, err := conn.Exec(ctx, `listen `+channel); err != nil {
		return err
	}
	listening()
	w.listening.Store(true)
	defer w.listening.Store(false)
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

// refresh wakes all whose commands are in their view.
func (w *Waiter) refresh(ctx context.Context, db querier) error {
	rows, err := db.Query(ctx, `
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

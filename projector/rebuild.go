package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// RebuildState says how far a rebuild is.
type RebuildState string

const (
	// RebuildAsked waits for a projector that takes it up.
	RebuildAsked RebuildState = "asked"
	// RebuildBuilding applies the topic from its beginning to where the live rows stood.
	RebuildBuilding RebuildState = "building"
	// RebuildBuilt follows the live rows, and can be compared and swapped.
	RebuildBuilt RebuildState = "built"
	// RebuildSwapped is live. The rows of before follow, and can come back.
	RebuildSwapped RebuildState = "swapped"
	// RebuildDone is live, and the rows of before are gone.
	RebuildDone RebuildState = "done"
	// RebuildCanceled is gone.
	RebuildCanceled RebuildState = "canceled"
)

// Rebuild is a job: a view is built anew beside its live rows, in the version that
// it has. Readers notice nothing of it, and nothing that happens to it changes what
// they read, until it is swapped.
type Rebuild struct {
	ID            int           `json:"id"`
	View          string        `json:"view"`
	Version       int           `json:"version"`
	State         RebuildState  `json:"state"`
	Paused        bool          `json:"paused"`
	Rate          int           `json:"rate"` // records a second at most while it is building; 0: no bound
	SwapWhenEqual bool          `json:"swapWhenEqual"`
	Grace         time.Duration `json:"-"`
	Error         string        `json:"error,omitempty"` // why it does not go on until it is resumed
	Comparison    *Comparison   `json:"comparison,omitempty"`

	keyColumn string

	AskedAt      *time.Time `json:"askedAt"`
	BuiltAt      *time.Time `json:"builtAt,omitempty"`
	SwappedAt    *time.Time `json:"swappedAt,omitempty"`
	RolledBackAt *time.Time `json:"rolledBackAt,omitempty"`
	KeepUntil    *time.Time `json:"keepUntil,omitempty"` // when the rows of before the swap are dropped
	EndedAt      *time.Time `json:"endedAt,omitempty"`

	Partitions []RebuildPartition `json:"partitions"` // none before it is taken up and after it has ended
}

// RebuildPartition is how far a rebuild has come in one partition. Offsets count
// markers, and what compaction has left out.
type RebuildPartition struct {
	Partition  int32      `json:"partition"`
	Start      int64      `json:"start"`  // where the topic began
	Next       int64      `json:"next"`   // the next offset to apply
	Target     int64      `json:"target"` // where the live rows stood when the rebuild was begun
	Live       int64      `json:"live"`   // where they stand
	Worker     string     `json:"worker"` // the process that applies it; empty: none
	Rate       float64    `json:"rate"`   // offsets a second, lately
	ReportedAt *time.Time `json:"reportedAt,omitempty"`
}

// Remaining is how long the partition will take at the speed of lately: 0 when it
// is built, and negative when nobody can tell.
func (p RebuildPartition) Remaining() time.Duration {
	switch {
	case p.Next >= p.Target:
		return 0
	case p.Rate <= 0:
		return -1
	default:
		return time.Duration(float64(p.Target-p.Next) / p.Rate * float64(time.Second))
	}
}

// RebuildOptions are what may be asked of a rebuild.
type RebuildOptions struct {
	Rate          int           // records a second at most while it is building; 0: no bound
	SwapWhenEqual bool          // it goes live by itself when it is built and equal to the live rows
	Grace         time.Duration // how long the rows of before are kept after the swap; a day when 0
}

// DefaultGrace is how long the rows of before are kept after a swap.
const DefaultGrace = 24 * time.Hour

var (
	// ErrNoRebuild says that the view has no rebuild that is under way.
	ErrNoRebuild = errors.New("the view is not being rebuilt")
	// ErrRebuildState says that a rebuild is not where what was asked makes sense.
	ErrRebuildState = errors.New("the rebuild does not allow that now")
	// ErrBehind says that a rebuild has not come as far as the live rows in the
	// moment that they can be held back. It can be tried again.
	ErrBehind = errors.New("the rebuild is behind the live rows")
	// ErrDiffers says that a rebuild differs from the live rows, or that nobody
	// has compared them.
	ErrDiffers = errors.New("the rebuild is not known to equal the live rows")
)

// Rebuilds are the rebuilds of all views of a database. What is asked of them is
// in the database; projectors, in any process, do it.
type Rebuilds struct{ pool *pgxpool.Pool }

// NewRebuilds returns the rebuilds of a database.
func NewRebuilds(pool *pgxpool.Pool) Rebuilds { return Rebuilds{pool} }

// Start asks for a rebuild of the live version of view, and returns its number.
// There is one at a time; that of before ends when its grace is over, or it is
// canceled.
func (r Rebuilds) Start(ctx context.Context, view string, o RebuildOptions) (id int, err error) {
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	err = r.locked(ctx, view, func(tx pgx.Tx) error {
		version, err := liveVersion(ctx, tx, view)
		if err == nil && version == 0 {
			err = ErrUnknownView
		}
		if err != nil {
			return err
		}
		switch now, err := underWay(ctx, tx, view); {
		case err == nil:
			return fmt.Errorf("%w: rebuild %d of the view is %s; cancel it first", ErrRebuildState, now.ID, now.State)
		case !errors.Is(err, ErrNoRebuild):
			return err
		}
		return tx.QueryRow(ctx, `
			insert into projector.rebuilds (view, version, rate, swap_when_equal, grace_seconds)
			values ($1, $2, $3, $4, $5) returning id`,
			view, version, max(0, o.Rate), o.SwapWhenEqual, int64(o.Grace.Seconds())).Scan(&id)
	})
	return id, err
}

// Pause has nobody work on a rebuild until it is resumed.
func (r Rebuilds) Pause(ctx context.Context, view string) error {
	return r.change(ctx, view, `paused = true`)
}

// Resume has projectors go on with a rebuild that was paused, or that has failed.
func (r Rebuilds) Resume(ctx context.Context, view string) error {
	return r.change(ctx, view, `paused = false, error = ''`)
}

// Slow changes how many records a second a rebuild takes at most; 0: no bound.
func (r Rebuilds) Slow(ctx context.Context, view string, rate int) error {
	return r.change(ctx, view, `rate = $2`, max(0, rate))
}

// CompareAgain has a projector compare a rebuild once more, which takes a while:
// what it finds is in the rebuild.
func (r Rebuilds) CompareAgain(ctx context.Context, view string) error {
	return r.locked(ctx, view, func(tx pgx.Tx) error {
		now, err := underWay(ctx, tx, view)
		if err != nil {
			return err
		}
		if now.State != RebuildBuilt {
			return fmt.Errorf("%w: it is %s, and not built", ErrRebuildState, now.State)
		}
		if err := now.moves(); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update projector.rebuilds set comparison = null where id = $1`, now.ID)
		return err
	})
}

func (r Rebuilds) change(ctx context.Context, view, set string, args ...any) error {
	return r.locked(ctx, view, func(tx pgx.Tx) error {
		now, err := underWay(ctx, tx, view)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update projector.rebuilds set `+set+` where id = $1`, append([]any{now.ID}, args...)...)
		return err
	})
}

// Cancel drops what a rebuild has built, or, after the swap, the rows of before.
// What is live stays.
func (r Rebuilds) Cancel(ctx context.Context, view string) error {
	return r.locked(ctx, view, func(tx pgx.Tx) error {
		now, err := underWay(ctx, tx, view)
		if err != nil {
			return err
		}
		state := RebuildCanceled
		if now.State == RebuildSwapped {
			state = RebuildDone
		}
		return now.end(ctx, tx, state)
	})
}

// end ends a rebuild, and drops what is not live of it. Whoever reads it is waited
// for, but not for long.
func (r Rebuild) end(ctx context.Context, tx pgx.Tx, state RebuildState) error {
	_, err := tx.Exec(ctx, `update projector.rebuilds set state = $2, ended_at = now() where id = $1`, r.ID, state)
	if err == nil {
		_, err = tx.Exec(ctx, `set local lock_timeout = '3s'`)
	}
	if err != nil {
		return err
	}
	return dropVersions(ctx, tx, r.View, `version = $2`, -r.ID)
}

// endRebuilds ends the rebuilds whose rows have been dropped with an older version,
// or with the view.
func endRebuilds(ctx context.Context, tx pgx.Tx, view string, versions []int) error {
	_, err := tx.Exec(ctx, `
		update projector.rebuilds set state = case state when 'swapped' then 'done' else 'canceled' end, ended_at = now()
		where view = $1 and -id = any($2) and ended_at is null`, view, versions)
	if err != nil {
		return fmt.Errorf("end the rebuilds: %w", err)
	}
	return nil
}

// locked runs fn in a transaction, alone with the versions of the view.
func (r Rebuilds) locked(ctx context.Context, view string, fn func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if err := lockView(ctx, tx, view); err != nil {
			return err
		}
		return fn(tx)
	})
	if err != nil {
		return fmt.Errorf("rebuild of view %s: %w", view, err)
	}
	return nil
}

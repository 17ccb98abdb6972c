package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/postgres"
)

// Swap makes a rebuild live, in one transaction: whoever reads sees the rows of
// before or those that were built, and both stand at the same positions. The rows
// of before follow for the grace time. It is ErrDiffers unless a comparison has
// found the rebuild equal, or the differences are accepted.
func (r Rebuilds) Swap(ctx context.Context, view string, acceptDifferences bool) error {
	return r.exchange(ctx, view, func(now Rebuild) error {
		switch {
		case now.State != RebuildBuilt:
			return fmt.Errorf("%w: it is %s, and not built", ErrRebuildState, now.State)
		case acceptDifferences:
			return nil
		case now.Comparison == nil:
			return fmt.Errorf("%w: it has not been compared", ErrDiffers)
		case !now.Comparison.Equal():
			return fmt.Errorf("%w: %s", ErrDiffers, now.Comparison.Summary())
		}
		return nil
	}, `
		update projector.rebuilds
		set state = 'swapped', swapped_at = now(), keep_until = now() + make_interval(secs => grace_seconds)
		where id = $1`)
}

// Rollback brings the rows of before the swap back, in one transaction. They have
// followed since, so that no reader goes back in time. The rebuild is built again,
// as it was before its swap, and stays until it is canceled or swapped again.
func (r Rebuilds) Rollback(ctx context.Context, view string) error {
	return r.exchange(ctx, view, func(now Rebuild) error {
		if now.State != RebuildSwapped {
			return fmt.Errorf("%w: it is %s, and not swapped", ErrRebuildState, now.State)
		}
		return nil
	}, `
		update projector.rebuilds
		set state = 'built', rolled_back_at = now(), keep_until = null, swap_when_equal = false
		where id = $1`)
}

// exchange exchanges the live rows and those of the rebuild, if it may.
func (r Rebuilds) exchange(ctx context.Context, view string, may func(Rebuild) error, enter string) error {
	return again(ctx, func() error {
		return r.locked(ctx, view, func(tx pgx.Tx) error {
			now, err := underWay(ctx, tx, view)
			if err != nil {
				return err
			}
			if err := errors.Join(may(now), now.moves()); err != nil {
				return err
			}
			if err := now.align(ctx, tx); err != nil {
				return err
			}
			if err := now.exchange(ctx, tx); err != nil {
				return fmt.Errorf("exchange the rows: %w", err)
			}
			_, err = tx.Exec(ctx, enter, now.ID)
			return err
		})
	})
}

// again repeats what passes, such as a reader that holds the view for long, or
// records that come faster than the rebuild follows for a moment.
func again(ctx context.Context, fn func() error) error {
	for attempt := 1; ; attempt++ {
		err := fn()
		blame, fromPostgres := postgres.BlameOf(err)
		passes := errors.Is(err, ErrBehind) || fromPostgres && blame == postgres.Passes
		if !passes || attempt == 10 || !kafkalog.Sleep(ctx, time.Second) {
			return err
		}
	}
}

// moves tells whether somebody works on the rebuild.
func (r Rebuild) moves() error {
	switch {
	case r.Error != "":
		return fmt.Errorf("%w: it has stopped: %s", ErrRebuildState, r.Error)
	case r.Paused:
		return fmt.Errorf("%w: it is paused; resume it first", ErrRebuildState)
	}
	return nil
}

// The live rows are held back for alignment at most, and not at all while the
// rebuild is further behind than it can come up in that time.
const (
	alignment = 2 * time.Second
	nearby    = 20_000 // offsets, of all partitions
)

// align brings the rebuild to the positions of the live rows, which stay where
// they are until tx ends.
func (r Rebuild) align(ctx context.Context, tx pgx.Tx) error {
	if behind, err := r.behind(ctx, tx); err != nil || behind > nearby {
		return errors.Join(err, fmt.Errorf("%w by %d offsets", ErrBehind, behind))
	}
	_, err := tx.Exec(ctx, `
		select from projector.positions where view = $1 and version = $2 order by partition for update`, r.View, r.Version)
	if err != nil {
		return fmt.Errorf("hold the live rows: %w", err)
	}
	for deadline := time.Now().Add(alignment); ; {
		behind, err := r.behind(ctx, tx)
		if err != nil || behind == 0 {
			return err
		}
		if time.Now().After(deadline) || !kafkalog.Sleep(ctx, 5*time.Millisecond) {
			return fmt.Errorf("%w by %d offsets, and its projectors do not come up: do they run?", ErrBehind, behind)
		}
	}
}

// behind is how many offsets the rebuild lacks. A partition that it does not have
// at all counts, too.
func (r Rebuild) behind(ctx context.Context, tx pgx.Tx) (offsets int64, err error) {
	err = tx.QueryRow(ctx, `
		select coalesce(sum(greatest(live.next_offset - coalesce(mine.next_offset, live.next_offset - 1), 0)), 0)::bigint
		from projector.positions live
		left join projector.positions mine
			on mine.view = live.view and mine.topic = live.topic and mine.partition = live.partition and mine.version = $3
		where live.view = $1 and live.version = $2`, r.View, r.Version, -r.ID).Scan(&offsets)
	if err != nil {
		return 0, fmt.Errorf("compare the positions: %w", err)
	}
	return offsets, nil
}

// exchange renames the schemas, so that whoever writes finds the other rows under
// the name that it knows, and points the view at those that are live now. The
// positions are equal, and stay where they are: what they promise of the rows that
// were live holds for those that are.
func (r Rebuild) exchange(ctx context.Context, tx pgx.Tx) error {
	live, built := pgx.Identifier{schemaOf(r.View, r.Version)}.Sanitize(), pgx.Identifier{schemaOf(r.View, -r.ID)}.Sanitize()
	aside := pgx.Identifier{r.View + "_aside"}.Sanitize()
	_, err := tx.Exec(ctx, `
		alter schema `+live+` rename to `+aside+`;
		alter schema `+built+` rename to `+live+`;
		alter schema `+aside+` rename to `+built)
	if err != nil {
		return err
	}
	return (&view{name: r.View, version: r.Version}).goLive(ctx, tx)
}

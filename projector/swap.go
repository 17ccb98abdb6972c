package projector

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// swapper makes a version live when all partitions have caught up, whichever
// processes they are applied by.
type swapper struct {
	view   *view
	pool   *pgxpool.Pool
	logger *slog.Logger
	signal chan struct{}
}

func newSwapper(v *view, pool *pgxpool.Pool, logger *slog.Logger) *swapper {
	return &swapper{view: v, pool: pool, logger: logger, signal: make(chan struct{}, 1)}
}

// look asks the swapper to look whether all have caught up. Whoever commits
// the last target looks after that commit, and so sees all of them. A rebuild has
// no swapper: people swap it.
func (s *swapper) look() {
	if s == nil {
		return
	}
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// run returns when the version is live, or ctx ends.
func (s *swapper) run(ctx context.Context) {
	pause, failing := 50*time.Millisecond, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.signal:
		}
		live, err := s.view.swap(ctx, s.pool)
		if live || ctx.Err() != nil {
			return
		}
		if err == nil {
			pause, failing = 50*time.Millisecond, false
			continue
		}
		if !failing {
			failing = true
			s.logger.ErrorContext(ctx, "version is built but cannot go live; trying again", slog.Any("error", err))
		}
		kafkalog.Sleep(ctx, pause)
		pause = min(2*pause, 10*time.Second)
		s.look()
	}
}

// swap makes the version live if it has caught up, and drops the older ones.
// It reports whether the version is live, or never will be.
func (v *view) swap(ctx context.Context, pool *pgxpool.Pool) (live bool, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := lockView(ctx, tx, v.name); err != nil {
			return err
		}
		version, err := liveVersion(ctx, tx, v.name)
		if err != nil {
			return err
		}
		if live = version >= v.version; live {
			return nil
		}
		if ready, err := v.caughtUp(ctx, tx, version); err != nil || !ready {
			return err
		}
		if err := v.goLive(ctx, tx); err != nil {
			return err
		}
		live = true
		return v.dropOlder(ctx, tx)
	})
	if err != nil {
		return false, fmt.Errorf("swap view %s to version %d: %w", v.name, v.version, err)
	}
	return live, nil
}

// caughtUp reports whether the version has reached its targets and what the
// live one shows: a view never goes back in time. If so, its positions are
// locked (see move).
func (v *view) caughtUp(ctx context.Context, tx pgx.Tx, live int) (bool, error) {
	if ready, err := v.notBehind(ctx, tx, live); err != nil || !ready {
		return false, err
	}
	_, err := tx.Exec(ctx, `
		select from projector.positions where view = $1 and version in ($2, $3) order by version, partition for update`,
		v.name, v.version, live)
	if err != nil {
		return false, fmt.Errorf("lock the positions: %w", err)
	}
	return v.notBehind(ctx, tx, live)
}

func (v *view) notBehind(ctx context.Context, tx pgx.Tx, live int) (ready bool, err error) {
	err = tx.QueryRow(ctx, `
		select count(*) = 0
		from projector.positions mine
		left join projector.positions old
			on old.view = mine.view and old.topic = mine.topic and old.partition = mine.partition and old.version = $3
		where mine.view = $1 and mine.version = $2
			and mine.next_offset < greatest(mine.target_offset, old.next_offset)`,
		v.name, v.version, live).Scan(&ready)
	if err != nil {
		return false, fmt.Errorf("compare the positions: %w", err)
	}
	return ready, nil
}

// goLive points the view at the version and wakes those who wait for it.
func (v *view) goLive(ctx context.Context, tx pgx.Tx) error {
	if err := v.point(ctx, tx); err != nil {
		return fmt.Errorf("point public.%s at version %d: %w", v.name, v.version, err)
	}
	_, err := tx.Exec(ctx, `
		insert into projector.views (view, version) values ($1, $2)
		on conflict (view) do update set version = excluded.version, live_since = now()`, v.name, v.version)
	if err != nil {
		return fmt.Errorf("enter the live version: %w", err)
	}
	_, err = tx.Exec(ctx, `
		select pg_notify($3, view || ':' || partition || ':' || command_offset)
		from projector.positions where view = $1 and version = $2`, v.name, v.version, channel)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// dropOlder drops the versions before this one.
func (v *view) dropOlder(ctx context.Context, tx pgx.Tx) error {
	return dropVersions(ctx, tx, v.name, `version < $2`, v.version)
}

// dropVersions drops the versions of a view for which condition holds. The
// positions go first: whoever still writes the version holds the lock of one,
// is waited for, and finds its position gone when it comes again.
func dropVersions(ctx context.Context, tx pgx.Tx, name, condition string, arg any) error {
	if _, err := tx.Exec(ctx, `delete from projector.positions where view = $1 and `+condition, name, arg); err != nil {
		return fmt.Errorf("delete the positions: %w", err)
	}
	rows, err := tx.Query(ctx, `delete from projector.versions where view = $1 and `+condition+` returning version`, name, arg)
	if err != nil {
		return fmt.Errorf("delete the versions: %w", err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return fmt.Errorf("delete the versions: %w", err)
	}
	for _, version := range versions {
		old := view{name: name, version: version}
		if _, err := tx.Exec(ctx, `drop schema if exists `+pgx.Identifier{old.schema()}.Sanitize()+` cascade`); err != nil {
			return fmt.Errorf("drop version %d: %w", version, err)
		}
	}
	return endRebuilds(ctx, tx, name, versions)
}

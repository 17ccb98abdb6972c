package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Find returns the rebuild of a view that is under way, or the last one, or
// ErrNoRebuild when there was none.
func (r Rebuilds) Find(ctx context.Context, view string) (Rebuild, error) {
	found, err := selectRebuild(ctx, r.pool, `where view = $1 order by id desc limit 1`, view)
	if err == nil {
		found.Partitions, err = found.progress(ctx, r.pool)
	}
	if err != nil {
		return Rebuild{}, fmt.Errorf("rebuild of view %s: %w", view, err)
	}
	return found, nil
}

// underWay returns the rebuild of a view that has not ended, without its progress.
func underWay(ctx context.Context, db querier, view string) (Rebuild, error) {
	return selectRebuild(ctx, db, `where view = $1 and ended_at is null`, view)
}

func selectRebuild(ctx context.Context, db querier, where string, args ...any) (Rebuild, error) {
	rows, err := db.Query(ctx, `
		select id, view, version, state, paused, rate, swap_when_equal, grace_seconds, key_column, error, comparison,
			asked_at, built_at, swapped_at, rolled_back_at, keep_until, ended_at
		from projector.rebuilds `+where, args...)
	if err != nil {
		return Rebuild{}, err
	}
	found, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (r Rebuild, err error) {
		var grace int64
		err = row.Scan(&r.ID, &r.View, &r.Version, &r.State, &r.Paused, &r.Rate, &r.SwapWhenEqual, &grace, &r.keyColumn, &r.Error, &r.Comparison,
			&r.AskedAt, &r.BuiltAt, &r.SwappedAt, &r.RolledBackAt, &r.KeepUntil, &r.EndedAt)
		r.Grace = time.Duration(grace) * time.Second
		return r, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Rebuild{}, ErrNoRebuild
	}
	return found, err
}

func (r Rebuild) progress(ctx context.Context, db querier) ([]RebuildPartition, error) {
	rows, err := db.Query(ctx, `
		select mine.partition, p.start_offset, mine.next_offset, mine.target_offset, coalesce(live.next_offset, 0),
			p.worker, p.rate, p.reported_at
		from projector.rebuild_partitions p
		join projector.positions mine on mine.view = $1 and mine.version = -p.rebuild and mine.partition = p.partition
		left join projector.positions live
			on live.view = mine.view and live.topic = mine.topic and live.partition = mine.partition and live.version = $2
		where p.rebuild = $3
		order by mine.partition`, r.View, r.Version, r.ID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RebuildPartition])
}

// ViewStatus is what exists of a view.
type ViewStatus struct {
	View      string    `json:"view"`
	Version   int       `json:"version"` // that is live
	LiveSince time.Time `json:"liveSince"`
	Records   int64     `json:"records"`           // the sum of the next offsets of all partitions
	UpdatedAt time.Time `json:"updatedAt"`         // when a record was last applied
	Newer     int       `json:"newer,omitempty"`   // a version that a program brings along and that is being built
	Rebuild   *Rebuild  `json:"rebuild,omitempty"` // that is under way, or was last
}

// Views returns all views, in the order of their names.
func (r Rebuilds) Views(ctx context.Context) ([]ViewStatus, error) {
	rows, err := r.pool.Query(ctx, `
		select v.view, v.version, v.live_since, coalesce(sum(p.next_offset), 0)::bigint, coalesce(max(p.updated_at), v.live_since),
			coalesce((select max(version) from projector.versions n where n.view = v.view and n.version > v.version), 0)
		from projector.views v
		left join projector.positions p on p.view = v.view and p.version = v.version
		group by v.view order by v.view`)
	if err != nil {
		return nil, fmt.Errorf("list the views: %w", err)
	}
	views, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v ViewStatus, err error) {
		err = row.Scan(&v.View, &v.Version, &v.LiveSince, &v.Records, &v.UpdatedAt, &v.Newer)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the views: %w", err)
	}
	for i := range views {
		last, err := r.Find(ctx, views[i].View)
		switch {
		case err == nil:
			views[i].Rebuild = &last
		case !errors.Is(err, ErrNoRebuild):
			return nil, err
		}
	}
	return views, nil
}

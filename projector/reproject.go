package projector

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
)

// Reproject makes the rows of one aggregate anew, in the live rows of a view: in
// one transaction it deletes those whose Key column is id, and applies all records
// of that key up to where the view stands. It returns how many those are. A view
// whose topic has no record of id any more is left as it is, and so is one that
// Expires, whose topic lacks what its rows hold. It reads a whole partition of the
// topic; the partition of the view waits for the writing alone.
func Reproject(ctx context.Context, pool *pgxpool.Pool, kafka eventim.Kafka, declared View, id string) (records int, err error) {
	v, err := declared.view()
	if err != nil {
		return 0, err
	}
	switch {
	case v.key == "":
		return 0, fmt.Errorf("reproject %s of %s: the projection names no Key", id, v.name)
	case v.expires:
		return 0, fmt.Errorf("reproject %s of %s: its topic deletes old records, and with them what the rows hold", id, v.name)
	}
	r := reprojection{view: v, kafka: kafka, key: id}
	if err := r.run(ctx, pool); err != nil {
		return 0, fmt.Errorf("reproject %s of %s: %w", id, v.name, err)
	}
	return len(r.records), nil
}

type reprojection struct {
	view      *view
	kafka     eventim.Kafka
	key       string
	partition int32
	records   []eventim.Record // of the key
	next      int64            // what has been read
}

func (r *reprojection) run(ctx context.Context, pool *pgxpool.Pool) error {
	if err := r.check(ctx, pool); err != nil {
		return err
	}
	stored, err := r.view.positions(ctx, pool)
	if err != nil {
		return err
	}
	if r.partition, err = byKey(int32(len(stored)))(r.key); err != nil {
		return err
	}
	if err := r.read(ctx, stored[r.partition].next); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		next, err := r.hold(ctx, tx)
		if err == nil {
			err = r.read(ctx, next) // what has come since
		}
		if err == nil && len(r.records) == 0 {
			err = errors.New("the topic has no record of it")
		}
		if err != nil {
			return err
		}
		return r.write(ctx, tx)
	})
}

// check finds out whether the view is of this cluster, and lives in this version.
func (r *reprojection) check(ctx context.Context, pool *pgxpool.Pool) error {
	cluster, err := eventim.ClusterID(ctx, r.kafka)
	if err != nil {
		return err
	}
	var live, same bool
	err = pool.QueryRow(ctx, `
		select exists (select from projector.views where view = $1 and version = $2),
			not exists (select from projector.positions where view = $1 and version = $2 and cluster_id <> $3)`,
		r.view.name, r.view.version, cluster).Scan(&live, &same)
	switch {
	case err != nil:
		return fmt.Errorf("read the positions: %w", err)
	case !live:
		return fmt.Errorf("version %d is not live", r.view.version)
	case !same:
		return fmt.Errorf("it was written from another Kafka cluster than this one, %q", cluster)
	}
	return nil
}

// read adds the records of the key before next.
func (r *reprojection) read(ctx context.Context, next int64) error {
	if next <= r.next {
		return nil
	}
	from := eventim.Positions{}
	if r.next > 0 {
		from[r.partition] = r.next
	}
	err := eventim.Read(ctx, r.kafka, r.view.topic, from, eventim.Positions{r.partition: next}, func(rec eventim.Record) error {
		if string(rec.Key) == r.key {
			r.records = append(r.records, rec)
		}
		return nil
	})
	r.next = next
	return err
}

// hold keeps the view where it is until tx ends.
func (r *reprojection) hold(ctx context.Context, tx pgx.Tx) (next int64, err error) {
	err = tx.QueryRow(ctx, `
		select next_offset from projector.positions
		where view = $1 and version = $2 and topic = $3 and partition = $4 for update`,
		r.view.name, r.view.version, r.view.topic, r.partition).Scan(&next)
	if err != nil {
		return 0, fmt.Errorf("hold the partition: %w", err)
	}
	return next, nil
}

// reprojected is how many records are written at a time.
const reprojected = 1000

func (r *reprojection) write(ctx context.Context, tx pgx.Tx) error {
	b, err := r.view.decode(r.records)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `select set_config('search_path', $1, true)`, r.view.schema())
	if err == nil {
		_, err = tx.Exec(ctx, `delete from `+pgx.Identifier{r.view.name}.Sanitize()+` where `+pgx.Identifier{r.view.key}.Sanitize()+` = $1`, r.key)
	}
	if err != nil {
		return fmt.Errorf("delete the rows: %w", err)
	}
	for from := 0; from < b.size(); from += reprojected {
		if err := b.cut(from, min(from+reprojected, b.size())).write(ctx, tx); err != nil {
			return fmt.Errorf("write: %w", described{err})
		}
	}
	return nil
}

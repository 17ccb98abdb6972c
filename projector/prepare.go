package projector

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// prepare makes sure that the version of v exists and belongs to the cluster
// whose logs are given. A view that nobody has yet goes live at once; a newer
// version is to be built first.
func (v *view) prepare(ctx context.Context, pool *pgxpool.Pool, cluster string, logs map[int32]partitionLog) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := lockView(ctx, tx, v.name); err != nil {
			return err
		}
		if err := v.checkOrigin(ctx, tx, cluster, logs); err != nil {
			return err
		}
		live, err := liveVersion(ctx, tx, v.name)
		if err != nil {
			return err
		}
		if live > v.version {
			return refuse("version %d is live, but this program brings version %d: upgrade it", live, v.version)
		}
		if err := v.create(ctx, tx, cluster, logs, live); err != nil {
			return err
		}
		if live == 0 {
			return v.goLive(ctx, tx)
		}
		return nil
	})
}

// lockView admits one transaction at a time to the versions of a view: any
// number of projectors may start at once.
func lockView(ctx context.Context, tx pgx.Tx, name string) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('eventim view ' || $1, 0))`, name)
	if err != nil {
		return fmt.Errorf("lock the view: %w", err)
	}
	return nil
}

// checkOrigin finds out whether the offsets of all versions belong to this
// cluster and, where they are of the same topic, to the one that it has now.
func (v *view) checkOrigin(ctx context.Context, tx pgx.Tx, cluster string, logs map[int32]partitionLog) error {
	var otherCluster, otherTopic string
	topic := logs[0].topicID
	err := tx.QueryRow(ctx, `
		select cluster_id, topic_id from projector.positions
		where view = $1 and (cluster_id <> $2 or topic = $3 and $4 <> '' and topic_id not in ('', $4))
		limit 1`, v.name, cluster, v.topic, topic).Scan(&otherCluster, &otherTopic)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read the origin of the positions: %w", err)
	case otherCluster != cluster:
		return refuse("it was written from the Kafka cluster %q, but this one is %q, where its offsets mean nothing; %s",
			otherCluster, cluster, v.advice())
	default:
		return v.otherTopic(otherTopic, topic)
	}
}

// liveVersion returns 0 when the view has none.
func liveVersion(ctx context.Context, tx pgx.Tx, name string) (int, error) {
	var version int
	err := tx.QueryRow(ctx, `select version from projector.views where view = $1`, name).Scan(&version)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read the live version: %w", err)
	}
	return version, nil
}

// create makes the schema of the version and its positions, unless they exist.
func (v *view) create(ctx context.Context, tx pgx.Tx, cluster string, logs map[int32]partitionLog, live int) error {
	var digest string
	err := tx.QueryRow(ctx, `
		select ddl_digest from projector.versions where view = $1 and version = $2`, v.name, v.version).Scan(&digest)
	if err == nil && digest != v.digest() {
		return refuse("the DDL is not the one that version %d was created with: raise the version", v.version)
	}
	if err == nil {
		return v.createPositions(ctx, tx, cluster, logs, live)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read the versions: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into projector.versions (view, version, ddl_digest) values ($1, $2, $3)`,
		v.name, v.version, v.digest())
	if err != nil {
		return fmt.Errorf("enter the version: %w", err)
	}
	if err := v.runDDL(ctx, tx); err != nil {
		return fmt.Errorf("create version %d: %w", v.version, err)
	}
	return v.createPositions(ctx, tx, cluster, logs, live)
}

func (v *view) runDDL(ctx context.Context, tx pgx.Tx) error {
	schema := pgx.Identifier{v.schema()}.Sanitize()
	if _, err := tx.Exec(ctx, `create schema `+schema+`; set local search_path = `+schema); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, v.ddl); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `set local search_path to default`)
	return err
}

// createPositions enters the partitions that have no position, and the topic
// id where it is not known yet. The targets of a version that goes live at once
// are 0: it is never behind them.
func (v *view) createPositions(ctx context.Context, tx pgx.Tx, cluster string, logs map[int32]partitionLog, live int) error {
	var partitions []int32
	var starts, targets []int64
	for id, log := range logs {
		partitions, starts, targets = append(partitions, id), append(starts, log.start), append(targets, log.end)
	}
	topic := logs[0].topicID
	_, err := tx.Exec(ctx, `
		insert into projector.positions (view, version, topic, partition, cluster_id, topic_id, next_offset, target_offset)
		select $1, $2, $3, p.partition, $4, $9, p.start, case when $5 in (0, $2) then 0 else p.target end
		from unnest($6::integer[], $7::bigint[], $8::bigint[]) as p (partition, start, target)
		on conflict do nothing`,
		v.name, v.version, v.topic, cluster, live, partitions, starts, targets, topic)
	if err != nil {
		return fmt.Errorf("enter the positions: %w", err)
	}
	_, err = tx.Exec(ctx, `
		update projector.positions set topic_id = $4
		where view = $1 and version = $2 and topic = $3 and topic_id = ''`, v.name, v.version, v.topic, topic)
	if err != nil {
		return fmt.Errorf("enter the topic id: %w", err)
	}
	return nil
}

// checkPositions finds out whether the logs still hold what follows the stored
// positions. The logs must have been looked at after the positions were read:
// another projector moves them along as the logs grow.
func (v *view) checkPositions(stored map[int32]position, logs map[int32]partitionLog) error {
	var errs []error
	for id, p := range stored {
		log, ok := logs[id]
		if !ok {
			errs = append(errs, refuse("%s has no partition %d any more; %s", v.topic, id, v.advice()))
			continue
		}
		_, err := v.fit(p, log, id)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

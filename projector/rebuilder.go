package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// rebuilder does, for one view, what is asked of this process in Postgres: it looks
// what the rebuild of the view should be doing, and starts and stops to take part.
// Kafka divides the partitions among the processes, as it does those of live views.
type rebuilder struct {
	live    *consumer
	jobs    Rebuilds
	group   string
	worker  string
	logger  *slog.Logger
	taking  *rebuilding // nil: it takes no part
	failing bool
}

func newRebuilder(live *consumer, c Config) *rebuilder {
	return &rebuilder{live: live, jobs: NewRebuilds(live.pool), group: c.Group, worker: c.Worker, logger: live.logger}
}

// lookForRebuilds is how soon something that was asked for begins.
const lookForRebuilds = 500 * time.Millisecond

func (r *rebuilder) run(ctx context.Context) {
	defer r.stop(ctx)
	for {
		err := r.step(ctx)
		if err != nil && ctx.Err() == nil && !r.failing {
			r.logger.WarnContext(ctx, "rebuild waits and tries again", slog.Any("error", err))
		}
		r.failing = err != nil
		if !kafkalog.Sleep(ctx, lookForRebuilds) {
			return
		}
	}
}

// step looks once.
func (r *rebuilder) step(ctx context.Context) error {
	job, err := underWay(ctx, r.live.pool, r.live.view.name)
	if errors.Is(err, ErrNoRebuild) || err == nil && job.Version != r.live.view.version {
		r.stop(ctx)
		return nil
	}
	if err != nil {
		return err
	}
	if job.State == RebuildAsked && job.moves() == nil {
		return r.begin(ctx, job)
	}
	if r.taking != nil && (r.taking.id != job.ID || job.moves() != nil) {
		r.stop(ctx)
	}
	if r.taking == nil && job.moves() == nil {
		if err := r.start(ctx, job); err != nil {
			return err
		}
	}
	if r.taking != nil {
		if err := r.taking.report(ctx, job, r.worker); err != nil {
			return err
		}
	}
	return r.advance(ctx, job)
}

// begin makes the schema and the positions of a rebuild. What must not be is the
// error of the rebuild.
func (r *rebuilder) begin(ctx context.Context, job Rebuild) error {
	cluster, err := eventim.ClusterID(ctx, r.live.kafka)
	if err != nil {
		return err
	}
	logs, err := logsOf(ctx, r.live.client, r.live.view.topic)
	if err != nil {
		return err
	}
	err = r.jobs.locked(ctx, job.View, func(tx pgx.Tx) error {
		now, err := underWay(ctx, tx, job.View)
		if err != nil || now.ID != job.ID || now.State != RebuildAsked {
			return err // another process has begun it, or it was canceled
		}
		return r.prepare(ctx, tx, job, cluster, logs)
	})
	if errors.Is(err, ErrNoRebuild) {
		return nil
	}
	if _, permanent := errors.AsType[permanentError](judge(err)); permanent || stays(err) {
		return r.fail(ctx, job.ID, err)
	}
	return err
}

func (r *rebuilder) prepare(ctx context.Context, tx pgx.Tx, job Rebuild, cluster string, logs map[int32]partitionLog) error {
	v := r.live.view.rebuilt(job.ID)
	if err := v.checkOrigin(ctx, tx, cluster, logs); err != nil {
		return err
	}
	stand, err := r.live.view.positions(ctx, tx)
	if err != nil {
		return err
	}
	for id, log := range logs {
		log.end = stand[id].next // it follows the live rows, and not the log
		logs[id] = log
	}
	if err := v.create(ctx, tx, cluster, logs, job.Version); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		insert into projector.rebuild_partitions (rebuild, partition, start_offset)
		select $1, partition, next_offset from projector.positions where view = $2 and version = $3`, job.ID, v.name, v.version)
	if err == nil {
		_, err = tx.Exec(ctx, `update projector.rebuilds set state = 'building', key_column = $2 where id = $1`, job.ID, v.key)
	}
	if err == nil {
		r.logger.InfoContext(ctx, "rebuild begins", slog.Int("rebuild", job.ID))
	}
	return err
}

// fail enters why a rebuild does not go on. The live rows know nothing of it.
func (r *rebuilder) fail(ctx context.Context, id int, why error) error {
	tag, err := r.live.pool.Exec(ctx, `
		update projector.rebuilds set error = $2 where id = $1 and ended_at is null and error = ''`, id, why.Error())
	if err == nil && tag.RowsAffected() > 0 {
		r.logger.ErrorContext(ctx, "rebuild stopped; the live rows stay as they are", slog.Int("rebuild", id), slog.Any("error", why))
	}
	return err
}

func (r *rebuilder) start(ctx context.Context, job Rebuild) error {
	taking := &rebuilding{id: job.ID, lead: newLead(r.live.view, r.live.pool), pace: newThrottle()}
	taking.consumer = &consumer{
		view: r.live.view.rebuilt(job.ID), pool: r.live.pool, kafka: r.live.kafka, maxBatch: r.live.maxBatch,
		logger: r.logger.With(slog.Int("rebuild", job.ID)), lead: taking.lead, pace: taking.pace, beginning: starting(nil),
	}
	if err := taking.consumer.open(fmt.Sprintf("%s-%s-rebuild-%d", r.group, job.View, job.ID)); err != nil {
		return err
	}
	taking.pace.set(float64(job.Rate)) // until it is known how many partitions share it
	ctx, taking.cancel = context.WithCancel(ctx)
	taking.running.Go(func() { taking.lead.run(ctx) })
	taking.running.Go(func() { taking.consumer.run(ctx) })
	r.taking = taking
	return nil
}

func (r *rebuilder) stop(ctx context.Context) {
	if r.taking == nil {
		return
	}
	r.taking.cancel()
	r.taking.running.Wait()
	if err := r.taking.consumer.close(); err != nil {
		r.logger.WarnContext(ctx, "could not leave the group of the rebuild", slog.Any("error", err))
	}
	r.taking.leave(ctx, r.worker)
	r.taking = nil
}

// advance takes a rebuild to what comes next by itself.
func (r *rebuilder) advance(ctx context.Context, job Rebuild) error {
	if r.taking != nil {
		if why := r.taking.stopped(); why != nil {
			r.stop(ctx) // a session that begins anew asks anew
			return r.fail(ctx, job.ID, why)
		}
	}
	switch {
	case job.State == RebuildBuilding:
		return r.complete(ctx, job)
	case job.State == RebuildBuilt && job.Comparison == nil && r.taking.leads():
		return r.compare(ctx, job)
	case job.State == RebuildSwapped && job.KeepUntil != nil && time.Now().After(*job.KeepUntil):
		return r.forget(ctx, job)
	}
	return nil
}

// complete enters that all partitions have reached where they ended.
func (r *rebuilder) complete(ctx context.Context, job Rebuild) error {
	tag, err := r.live.pool.Exec(ctx, `
		update projector.rebuilds set state = 'built', built_at = now()
		where id = $1 and state = 'building' and not exists (
			select from projector.positions where view = $2 and version = $3 and next_offset < target_offset)`,
		job.ID, job.View, -job.ID)
	if err == nil && tag.RowsAffected() > 0 {
		r.logger.InfoContext(ctx, "rebuild is built, and follows the live rows", slog.Int("rebuild", job.ID))
	}
	return err
}

// compare compares what has just been built, and swaps it if that was asked for.
func (r *rebuilder) compare(ctx context.Context, job Rebuild) error {
	found, err := r.jobs.Compare(ctx, job.View)
	if err != nil {
		return err
	}
	r.logger.InfoContext(ctx, "rebuild is compared with the live rows", slog.Int("rebuild", job.ID), slog.String("found", found.Summary()))
	if !job.SwapWhenEqual || !found.Equal() {
		return nil
	}
	if err := r.jobs.Swap(ctx, job.View, false); err != nil {
		return err
	}
	r.logger.InfoContext(ctx, "rebuild is live", slog.Int("rebuild", job.ID))
	return nil
}

// forget drops the rows of before when their grace is over, by the clock of the
// database.
func (r *rebuilder) forget(ctx context.Context, job Rebuild) error {
	return r.jobs.locked(ctx, job.View, func(tx pgx.Tx) error {
		var over bool
		err := tx.QueryRow(ctx, `
			select exists (select from projector.rebuilds where id = $1 and state = 'swapped' and keep_until <= now())`, job.ID).Scan(&over)
		if err != nil || !over {
			return err
		}
		return job.end(ctx, tx, RebuildDone)
	})
}

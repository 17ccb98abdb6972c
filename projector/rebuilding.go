package projector

import (
	"context"
	"sync"
	"time"
)

// rebuilding is the part that this process takes in a rebuild.
type rebuilding struct {
	id       int
	consumer *consumer
	lead     *lead
	pace     *throttle
	cancel   context.CancelFunc
	running  sync.WaitGroup
	samples  []sample // of lately, the oldest first
}

// sample is where the partitions of this process stood.
type sample struct {
	at   time.Time
	next map[int32]int64
}

// lately is over how many samples a rate is measured.
const lately = 10

// stopped returns why a partition of this process cannot get on, or nil.
func (t *rebuilding) stopped() error {
	for _, s := range t.consumer.status() {
		if s.State == Stopped {
			return s.Err
		}
	}
	return nil
}

// leads tells whether this process does what one has to do: it has the first
// partition.
func (t *rebuilding) leads() bool {
	if t == nil {
		return false
	}
	p := t.consumer.partition(0)
	return p != nil && p.status().State == Running
}

// report enters what this process does, and takes the pace that is asked for.
func (t *rebuilding) report(ctx context.Context, job Rebuild, worker string) error {
	partitions, rates := t.rates(time.Now())
	_, err := t.consumer.pool.Exec(ctx, `
		update projector.rebuild_partitions p set worker = $2, rate = u.rate, reported_at = now()
		from unnest($3::integer[], $4::double precision[]) as u (partition, rate)
		where p.rebuild = $1 and p.partition = u.partition`, t.id, worker, partitions, rates)
	if err != nil || job.Rate == 0 {
		t.pace.set(0)
		return err
	}
	var building int
	err = t.consumer.pool.QueryRow(ctx, `
		select count(*) from projector.positions where view = $1 and version = $2 and next_offset < target_offset`,
		t.consumer.view.name, t.consumer.view.version).Scan(&building)
	t.pace.set(float64(job.Rate) / float64(max(1, building)))
	return err
}

// leave enters that this process takes no part any more. Postgres may be away: what
// it then says is old, and shows when it was.
func (t *rebuilding) leave(ctx context.Context, worker string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = t.consumer.pool.Exec(ctx, `
		update projector.rebuild_partitions set worker = '', rate = 0 where rebuild = $1 and worker = $2`, t.id, worker)
}

// rates returns the partitions of this process and how fast they are.
func (t *rebuilding) rates(now time.Time) (partitions []int32, rates []float64) {
	s := sample{now, map[int32]int64{}}
	for _, p := range t.consumer.status() {
		if p.Partition >= 0 && p.State == Running {
			s.next[p.Partition] = p.NextOffset
		}
	}
	t.samples = append(t.samples, s)
	t.samples = t.samples[max(0, len(t.samples)-lately):]
	for id, next := range s.next {
		partitions, rates = append(partitions, id), append(rates, t.rate(id, next, now))
	}
	return partitions, rates
}

// rate is measured from the oldest sample that has the partition.
func (t *rebuilding) rate(partition int32, next int64, now time.Time) float64 {
	for _, s := range t.samples {
		if before, ok := s.next[partition]; ok && now.After(s.at) {
			return float64(next-before) / now.Sub(s.at).Seconds()
		}
	}
	return 0
}

package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

const (
	// maxReplayRecords bounds the offsets, results and snapshots together,
	// that one reconnect may ask to be read again.
	maxReplayRecords = 100_000
	// maxReplayFrames bounds what is kept for one connection, and how many
	// changed invoices: beyond, reading the views again is cheaper.
	maxReplayFrames = 1000
	// maxReplayTime bounds one pass over the log.
	maxReplayTime = 10 * time.Second
)

// errNotResumed means that a connection cannot be told what it missed; the
// others say why.
var (
	errNotResumed     = errors.New("cannot resume")
	errTooManyResults = fmt.Errorf("%w: more than %d results", errNotResumed, maxReplayFrames)
	errTooManyChanges = fmt.Errorf("%w: more than %d invoices have changed", errNotResumed, maxReplayFrames)
)

// oldToken tells a refusal that every older token gets as well.
func oldToken(err error) bool {
	return errors.Is(err, errTooManyChanges) || errors.Is(err, eventim.ErrOffsetOutOfRange)
}

// replay is the wish of one connection to be told what it missed: the results
// of its origin, and the invoices that changed, in [from, to).
type replay struct {
	origin   string
	from, to token
	at       token    // what the frames so far have told
	frames   []*frame // results, in order
	changed  []*frame // newest of each invoice; may hold more than was missed
	settled  chan error
}

func newReplay(origin string, from, to token) (*replay, error) {
	if from.epoch != to.epoch {
		return nil, fmt.Errorf("%w: the token is of another cluster, or of topics that were deleted since", errNotResumed)
	}
	results, ok1 := from.results.distance(to.results)
	snapshots, ok2 := from.snapshots.distance(to.snapshots)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%w: the token has other partitions", errNotResumed)
	}
	if results+snapshots > maxReplayRecords {
		return nil, fmt.Errorf("%w: %d records have been written since", errNotResumed, results+snapshots)
	}
	return &replay{origin: origin, from: from, to: to, settled: make(chan error, 1)}, nil
}

// missed is how many offsets r asks for.
func (r *replay) missed() int64 {
	results, _ := r.from.results.distance(r.to.results)
	snapshots, _ := r.from.snapshots.distance(r.to.snapshots)
	return results + snapshots
}

// replayer reads what connections missed. It makes one pass over the log for
// all that wait, so that a storm of reconnects costs as much as one.
type replayer struct {
	aggregate Aggregate
	log       *slog.Logger

	// read is eventim.Read on the cluster.
	read func(ctx context.Context, topic string, from, to eventim.Positions, fn func(eventim.Record) error) error

	refusals refusals

	mu      sync.Mutex
	waiting []*replay
	wake    chan struct{} // has room for one signal
}

func newReplayer(a Aggregate, k eventim.Kafka, log *slog.Logger) *replayer {
	return &replayer{
		aggregate: a, log: log, wake: make(chan struct{}, 1),
		read: func(ctx context.Context, topic string, from, to eventim.Positions, fn func(eventim.Record) error) error {
			return eventim.Read(ctx, k, topic, from, to, fn)
		},
	}
}

// do joins r to the next pass and waits for the outcome, unless the connection
// is gone.
func (p *replayer) do(r *replay, gone <-chan struct{}) error {
	if err := p.refusals.of(r); err != nil {
		return err
	}
	p.mu.Lock()
	p.waiting = append(p.waiting, r)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	select {
	case err := <-r.settled:
		return err
	case <-gone:
		return fmt.Errorf("%w: the connection is gone", errNotResumed)
	case <-time.After(2 * maxReplayTime):
		return fmt.Errorf("%w: too many others do", errNotResumed)
	}
}

// run makes passes until ctx ends.
func (p *replayer) run(ctx context.Context) error {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return nil
		}
		p.mu.Lock()
		batch := p.waiting
		p.waiting = nil
		p.mu.Unlock()
		p.pass(ctx, batch)
	}
}

// pass settles a batch. One whose token is too old fails alone: a batch that
// has such a one is halved until only such are left. The newer half comes
// first, so that what is found out about it settles the older one unread.
func (p *replayer) pass(ctx context.Context, batch []*replay) {
	batch = p.worthwhile(batch)
	if len(batch) == 0 {
		return
	}
	err := p.attempt(ctx, batch)
	if oldToken(err) && len(batch) > 1 {
		slices.SortFunc(batch, func(a, b *replay) int { return cmp.Compare(a.missed(), b.missed()) })
		half := len(batch) / 2
		p.pass(ctx, batch[:half])
		p.pass(ctx, batch[half:])
		return
	}
	for _, r := range batch {
		p.settle(r, err)
	}
}

// worthwhile settles those of a batch that are known to fail, and returns the
// others.
func (p *replayer) worthwhile(batch []*replay) (others []*replay) {
	for _, r := range batch {
		if err := p.refusals.of(r); err != nil {
			r.settled <- err
			continue
		}
		others = append(others, r)
	}
	return others
}

func (p *replayer) settle(r *replay, err error) {
	switch {
	case err != nil && !errors.Is(err, errNotResumed):
		err = fmt.Errorf("%w: %w", errNotResumed, err)
	case err == nil && len(r.frames) > maxReplayFrames:
		err = errTooManyResults
	}
	p.refusals.remember(r, err)
	r.settled <- err
}

func (p *replayer) attempt(ctx context.Context, batch []*replay) error {
	ctx, cancel := context.WithTimeout(ctx, maxReplayTime)
	defer cancel()
	byOrigin := map[string][]*replay{}
	for _, r := range batch {
		r.at, r.frames, r.changed = r.from.clone(), nil, nil
		byOrigin[r.origin] = append(byOrigin[r.origin], r)
	}
	topics := p.aggregate.Topics()
	from, to := window(batch, func(t token) offsets { return t.results })
	err := p.read(ctx, topics.Results, from, to, func(rec eventim.Record) error {
		return p.result(rec, byOrigin[rec.Header(eventim.HeaderOrigin)])
	})
	if err != nil {
		return err
	}
	from, to = window(batch, func(t token) offsets { return t.snapshots })
	changed, err := p.changed(ctx, topics.Snapshots, from, to)
	for _, r := range batch {
		r.changed = changed
	}
	return err
}

func (p *replayer) result(rec eventim.Record, replays []*replay) error {
	for _, r := range replays {
		partition, offset := rec.Position.Partition, rec.Position.Offset
		if offset < r.from.results[partition] || offset >= r.to.results[partition] || len(r.frames) > maxReplayFrames {
			continue
		}
		ans, err := decodeAnswer(p.aggregate, rec)
		if err != nil {
			return err
		}
		// The token moves on with each frame, so that a connection that breaks
		// here resumes here.
		r.at.results[partition] = offset + 1
		r.frames = append(r.frames, ans.frame(r.at))
	}
	return nil
}

// changed reads the newest snapshot of each invoice that changed.
func (p *replayer) changed(ctx context.Context, topic string, from, to eventim.Positions) ([]*frame, error) {
	newest := map[string]eventim.Record{}
	err := p.read(ctx, topic, from, to, func(rec eventim.Record) error {
		// The value shares a buffer with everything that was fetched with it.
		rec.Value = bytes.Clone(rec.Value)
		newest[string(rec.Key)] = rec
		if len(newest) > maxReplayFrames {
			return errTooManyChanges
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	frames := make([]*frame, 0, len(newest))
	for _, id := range slices.Sorted(maps.Keys(newest)) {
		if len(newest[id].Value) == 0 {
			continue
		}
		f, err := decodeChanged(p.aggregate, newest[id])
		if err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	return frames, nil
}

// window is what has to be read so that all of the batch see their part: for
// each partition that anybody misses records of, the least and the greatest.
func window(batch []*replay, topic func(token) offsets) (from, to eventim.Positions) {
	from, to = eventim.Positions{}, eventim.Positions{}
	for _, r := range batch {
		end := topic(r.to)
		for p, start := range topic(r.from) {
			if start >= end[p] {
				continue
			}
			partition := int32(p) //nolint:gosec // at most maxPartitions
			if least, ok := from[partition]; !ok || start < least {
				from[partition] = start
			}
			to[partition] = max(to[partition], end[p])
		}
	}
	return from, to
}

package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/postgres"
)

var (
	// errSuperseded: the version is gone, a newer one is live.
	errSuperseded = errors.New("this version of the view was dropped: a newer one is live, or the view was re-anchored; restart with the new program")
	// errRestart: where the claim reads is not where the view is; the session
	// has to begin again.
	errRestart = errors.New("the claim has to start again")
)

// partition applies the records of one partition. One goroutine runs it;
// status may be called from any.
type partition struct {
	view     *view
	id       int32
	pool     *pgxpool.Pool
	lanes    *lanes // nil: there are none
	alone    bool   // until it has got on
	kafka    eventim.Kafka
	logger   *slog.Logger
	enough   enough // records for one transaction
	position position
	lead     *lead // what it must not pass, and pace is its speed; nil: it is not a rebuild
	pace     *throttle

	report *report
}

const (
	maxBatchBytes = 8 << 20
	// idle is how long nothing may come before a position that is not settled
	// looks whether what is missing are only markers.
	idle = 200 * time.Millisecond
)

// run applies what claim delivers until ctx ends, and tells advanced where it
// is. Any error other than errRestart stops the partition.
func (p *partition) run(ctx context.Context, claim sarama.ConsumerGroupClaim, advanced func(position)) error {
	defer p.rejoin()
	p.report.follows(claim.HighWaterMarkOffset)
	for {
		records, open := p.receive(ctx, claim.Messages())
		if len(records) > 0 {
			p.report.waits(records[0].Time)
		}
		var err error
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is not an error
		case !open:
			return fmt.Errorf("%w: the consumer has given up the partition", errRestart)
		case len(records) == 0:
			err = p.catchUp(ctx, claim.HighWaterMarkOffset())
		default:
			err = p.apply(ctx, records, claim.HighWaterMarkOffset())
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the next owner meets whatever it was
		}
		if err != nil {
			return err
		}
		p.rejoin()
		p.report.running(p.position)
		p.report.waits(waiting(records, p.position, claim.HighWaterMarkOffset()))
		advanced(p.position)
	}
}

// waiting is since when the record behind those that were applied waits, if there is
// one: not before the last of them came, and they come in the order of time. A
// marker is none.
func waiting(applied []eventim.Record, at position, end int64) time.Time {
	if len(applied) == 0 || end <= at.next+1 {
		return time.Time{}
	}
	return applied[len(applied)-1].Time
}

// receive waits for a record and takes those that are there behind it. It
// returns none after a while without any, if the position is not settled.
func (p *partition) receive(ctx context.Context, messages <-chan *sarama.ConsumerMessage) ([]eventim.Record, bool) {
	var timeout <-chan time.Time
	if !p.position.settled() || p.lead != nil {
		timeout = time.After(idle)
	}
	var records []eventim.Record
	select {
	case m, ok := <-messages:
		if !ok {
			return nil, false
		}
		records = append(records, recordOf(m))
	case <-timeout:
		return nil, true
	case <-ctx.Done():
		return nil, true
	}
	for bytes := 0; len(records) < p.enough.records() && bytes < maxBatchBytes; {
		select {
		case m, ok := <-messages:
			if !ok {
				return records, true
			}
			records = append(records, recordOf(m))
			bytes += len(m.Key) + len(m.Value)
		default:
			return records, true
		}
	}
	return records, true
}

// apply writes records and moves the position behind them. What precedes a
// record that cannot be read is written.
func (p *partition) apply(ctx context.Context, records []eventim.Record, end int64) error {
	b, unreadable := p.view.decode(records)
	if n := b.size(); n > 0 {
		if err := p.write(ctx, records[:n], b, end); err != nil {
			return err
		}
		p.saySkipped(ctx, records[:n])
	}
	return unreadable
}

// saySkipped names the tombstones that the position has moved behind.
func (p *partition) saySkipped(ctx context.Context, records []eventim.Record) {
	for _, r := range records {
		if p.view.deletes(r) {
			p.logger.WarnContext(ctx, "passed over a tombstone, which somebody else has written; its row stays",
				slog.Int64("offset", r.Position.Offset), slog.String("key", fmt.Sprintf("%.200s", r.Key)))
		}
	}
}

// write settles a batch. One that fails for good is halved until the record
// to blame is alone, so that the partition stops exactly there; one that takes
// longer than the server allows, until it does not.
func (p *partition) write(ctx context.Context, records []eventim.Record, b batch, end int64) error {
	err := p.settle(ctx, records, b, end)
	_, permanent := errors.AsType[permanentError](err)
	_, slow := errors.AsType[slowError](err)
	if !permanent && !slow {
		return err
	}
	if len(records) == 1 {
		return p.unwritable(records[0], err)
	}
	half := len(records) / 2
	if slow {
		p.enough.shrink(half)
	}
	if err := p.write(ctx, records[:half], b.cut(0, half), math.MaxInt64); err != nil {
		return err
	}
	return p.write(ctx, records[half:], b.cut(half, len(records)), end)
}

// unwritable names the record that stops the partition, for whoever mends it.
func (p *partition) unwritable(r eventim.Record, err error) error {
	return fmt.Errorf("%s %s cannot be applied to %s.%s: key %.200q: %w",
		p.view.topic, r.Position, p.view.schema(), p.view.name, r.Key, described{err})
}

// described is an error of Postgres with all that it names.
type described struct{ error }

func (d described) Error() string { return postgres.Describe(d.error) }
func (d described) Unwrap() error { return d.error }

// settle commits a batch, and tries as long as it takes. It returns errors
// that are permanent or that end the claim.
func (p *partition) settle(ctx context.Context, records []eventim.Record, b batch, end int64) error {
	return p.retry(ctx, func() error {
		for len(records) > 0 && records[0].Position.Offset < p.position.next {
			records, b = records[1:], b.cut(1, b.size())
		}
		if len(records) == 0 {
			return nil
		}
		err := p.move(ctx, p.position.advance(records, end), b)
		if err == nil {
			p.enough.grow(len(records))
		}
		return judgeTime(ctx, err, len(records))
	})
}

// catchUp settles a position when only markers and aborted records, which are
// never delivered, lie between it and the end of the partition: a version that
// is being built is then at its target, and what was seen is applied.
//
// The end is a high watermark that is not older than the last record that was
// delivered, and so beyond the marker of its transaction. Read waits for what
// is open below it: if nothing comes, all that preceded the marker is applied.
func (p *partition) catchUp(ctx context.Context, end int64) error {
	target := max(p.position.target, end)
	if target <= p.position.next {
		return nil // nothing was fetched yet
	}
	return p.passMarkers(ctx, target)
}

// passMarkers moves to target if nothing that can be delivered lies before it.
func (p *partition) passMarkers(ctx context.Context, target int64) error {
	errFound := errors.New("found a record")
	from, to := eventim.Positions{p.id: p.position.next}, eventim.Positions{p.id: target}
	err := eventim.Read(ctx, p.kafka, p.view.topic, from, to, func(eventim.Record) error { return errFound })
	if err != nil {
		return nil //nolint:nilerr // it will be delivered; and whether Kafka is away, the claim will see
	}
	return p.reach(ctx, target)
}

// reach moves to target, beyond markers.
func (p *partition) reach(ctx context.Context, target int64) error {
	return p.retry(ctx, func() error {
		if p.position.next >= target {
			return nil
		}
		return p.move(ctx, p.position.reach(target), nil)
	})
}

// move commits; when another has moved the position, it reads where that is.
func (p *partition) move(ctx context.Context, next position, b batch) error {
	err := p.commit(ctx, next, b)
	if errors.Is(err, errMoved) {
		return errors.Join(err, p.reread(ctx))
	}
	if err == nil {
		p.position = next
	}
	return err
}

func (p *partition) reread(ctx context.Context) error {
	stored, err := p.view.positions(ctx, p.pool)
	if err != nil {
		return judge(err)
	}
	found, ok := stored[p.id]
	if !ok {
		return errSuperseded
	}
	if found.next < p.position.next {
		return fmt.Errorf("%w: the position went back from %d to %d", errRestart, p.position.next, found.next)
	}
	p.position = found
	return nil
}

// recordOf is a message of a consumer; its headers stay where they are.
func recordOf(m *sarama.ConsumerMessage) eventim.Record {
	headers := make([]*eventim.Header, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = (*eventim.Header)(h)
	}
	return eventim.Record{
		Topic: m.Topic, Position: eventim.Position{Partition: m.Partition, Offset: m.Offset}, Time: m.Timestamp.UTC(),
		Key: m.Key, Value: m.Value, Headers: headers,
	}
}

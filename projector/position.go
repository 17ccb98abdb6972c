package projector

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
)

// position is how far a version of a view has come in one partition.
type position struct {
	topicID string // of the topic that the offsets belong to; empty if not known
	next    int64  // the next offset to apply
	target  int64  // where the partition ended when the version was begun

	// applied promises that what the commands up to this offset caused is in
	// the view. One transaction of the handler holds several commands, and its
	// records are not in their order: a snapshot shows the last command of the
	// transaction that changed the aggregate. So the promise is made for whole
	// transactions only; seen is the highest command offset of any record.
	applied, seen int64
}

// advance returns the position after records, which come from p.next on. The
// end is that of the partition (its high watermark) at some time after the
// records were fetched.
//
// A transaction ends with a marker, which takes an offset and is not
// delivered: a gap before a record shows that the transaction of the record
// before it is complete, and so does an end with room for the marker alone. An
// end further away shows nothing; then the next record will. Compaction makes
// gaps too, but never at the end of the log, where those who wait are.
func (p position) advance(records []eventim.Record, end int64) position {
	for _, r := range records {
		if r.Position.Offset > p.next {
			p.applied = p.seen
		}
		if command, ok := r.CommandPosition(); ok {
			p.seen = max(p.seen, command.Offset)
		}
		p.next = r.Position.Offset + 1
	}
	if end <= p.next+1 {
		p.applied = p.seen
	}
	return p
}

// reach returns the position at offset, which is beyond markers: nothing that
// can be delivered lies between.
func (p position) reach(offset int64) position {
	p.next, p.applied = offset, p.seen
	return p
}

func (p position) building() bool { return p.next < p.target }

// settled reports that nothing is missing: neither a part of what the version
// was begun with, nor the proof that the last transaction is complete.
func (p position) settled() bool { return !p.building() && p.applied >= p.seen }

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// positions reads where v stands, by partition.
func (v *view) positions(ctx context.Context, db querier) (map[int32]position, error) {
	rows, err := db.Query(ctx, `
		select partition, topic_id, next_offset, target_offset, command_offset, seen_offset
		from projector.positions
		where view = $1 and version = $2 and topic = $3`, v.name, v.version, v.topic)
	if err != nil {
		return nil, fmt.Errorf("read the positions of %s: %w", v.name, err)
	}
	found := map[int32]position{}
	var partition int32
	var p position
	_, err = pgx.ForEachRow(rows, []any{&partition, &p.topicID, &p.next, &p.target, &p.applied, &p.seen}, func() error {
		found[partition] = p
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the positions of %s: %w", v.name, err)
	}
	return found, nil
}

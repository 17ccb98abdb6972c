package projector

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// statement is one of a pipeline. Its names mean what schema says; "" for those
// that say it themselves.
type statement struct {
	schema, sql string
	args        []any
}

// What a transaction of many may wait for: a view that is locked or slow must
// not hold up the others for longer. Alone, it may.
const (
	lockLimit      = 500 * time.Millisecond
	statementLimit = 2 * time.Second
)

// setLimits keeps limits that are smaller already.
const setLimits = `
	select set_config(name, least(coalesce(nullif(extract(epoch from current_setting(name)::interval) * 1000, 0), most), most)::bigint::text, true)
	from (values ('lock_timeout', $1::bigint), ('statement_timeout', $2::bigint)) as limits (name, most)`

// moveAll is the compare-and-set of view.move for all: when the position of one
// is not the one that it was read as, the division fails, and all is taken back.
const moveAll = `
	with moved as (
		update projector.positions as p
		set next_offset = u.next, command_offset = u.applied, seen_offset = u.seen, updated_at = now()
		from unnest($1::text[], $2::integer[], $3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
			as u (view, version, topic, partition, old, next, applied, seen)
		where p.view = u.view and p.version = u.version and p.topic = u.topic and p.partition = u.partition and p.next_offset = u.old
		returning 1)
	select 1 / (count(*) = $9)::integer from moved`

// notifyAll is the notification of view.move for all: a statement of its own, for
// the same reason.
const notifyAll = `
	select pg_notify($1, n.payload)
	from unnest($2::text[], $3::integer[], $4::text[]) as n (view, version, payload)
	join projector.views using (view, version)`

const setSearchPath = `select set_config('search_path', $1, true)`

// pipeline is what commits requests: first the positions, whose locks order
// those who write the same partition, then what each view writes.
func pipeline(requests []*request) ([]statement, error) {
	statements := []statement{
		{sql: setLimits, args: []any{lockLimit.Milliseconds(), statementLimit.Milliseconds()}},
		moves(requests),
	}
	statements = append(statements, notifications(requests)...)
	for _, group := range byView(requests) {
		written, err := writes(group)
		if err != nil {
			return nil, err
		}
		statements = append(statements, written...)
	}
	return statements, nil
}

func moves(requests []*request) statement {
	var views, topics []string
	var versions, partitions []int32
	var old, next, applied, seen []int64
	for _, r := range requests {
		views, versions, topics = append(views, r.view.name), append(versions, int32(r.view.version)), append(topics, r.view.topic) //nolint:gosec // counts from 1
		partitions, old, next = append(partitions, r.partition), append(old, r.old.next), append(next, r.next.next)
		applied, seen = append(applied, r.next.applied), append(seen, r.next.seen)
	}
	return statement{sql: moveAll, args: []any{views, versions, topics, partitions, old, next, applied, seen, len(requests)}}
}

// notifications are of those whose commands are applied now, if there are any.
func notifications(requests []*request) []statement {
	var views, payloads []string
	var versions []int32
	for _, r := range requests {
		if r.next.applied > r.old.applied {
			views, versions = append(views, r.view.name), append(versions, int32(r.view.version)) //nolint:gosec // counts from 1
			payloads = append(payloads, notification(r.view, r.partition, r.next))
		}
	}
	if len(views) == 0 {
		return nil
	}
	return []statement{{sql: notifyAll, args: []any{channel, views, versions, payloads}}}
}

// byView groups requests with something to write by their views, in their
// order.
func byView(requests []*request) [][]*request {
	var groups [][]*request
	at := map[*view]int{}
	for _, r := range requests {
		if r.batch == nil {
			continue
		}
		i, found := at[r.view]
		if !found {
			i = len(groups)
			at[r.view], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

// writes are the statements of one view, with its names.
func writes(group []*request) ([]statement, error) {
	first, others := group[0], []batch(nil)
	for _, r := range group[1:] {
		others = append(others, r.batch)
	}
	var queued pgx.Batch
	if err := first.batch.queue(&queued, others...); err != nil {
		return nil, fmt.Errorf("%s: %w", first.view.name, err)
	}
	schema := first.view.schema()
	statements := []statement{{sql: setSearchPath, args: []any{schema}}}
	for _, q := range queued.QueuedQueries {
		statements = append(statements, statement{schema, q.SQL, q.Arguments})
	}
	return statements, nil
}

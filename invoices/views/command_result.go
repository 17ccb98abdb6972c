package views

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/projector"
)

// result is what the view command_result is made of.
type result = eventim.Result[invoices.Invoice, invoices.Event]

// CommandResults is the view command_result: the answer of each command of the
// last 30 days, by invoice and command id. A command id belongs to its invoice:
// the same id for two of them is two commands.
func CommandResults(a Aggregate) projector.Projection[result] {
	return projector.Projection[result]{
		Name: "command_result", Version: 2, Topic: a.ResultTopic(), DDL: commandResultDDL, Key: "invoice_id",
		// The topic keeps results for a day. After a longer outage the view
		// lacks some, and is still right in all that it has.
		Expires: true,
		Queue: func(statements *pgx.Batch, batch []result) error {
			return queueCommandResults(statements, a.Events, batch)
		},
	}
}

const commandResultDDL = `
create table command_result (
	command_id     text        collate "C" not null,
	invoice_id     text        collate "C" not null,
	outcome        text        not null,
	version        bigint      not null,
	code           text        not null,
	message        text        not null,
	actor          text        not null,
	time           timestamptz not null,
	partition      integer     not null,
	command_offset bigint      not null,
	value          jsonb       not null,
	primary key (invoice_id, command_id)
);
create index on command_result (command_id);
create index on command_result (partition, time);

comment on table command_result is 'The answer of each command of the last 30 days';
comment on column command_result.command_id is 'Id of the command, one of its own for each invoice';
comment on column command_result.invoice_id is 'Id of the invoice that the command was for';
comment on column command_result.outcome is 'accepted, rejected, or failed if it could not be handled';
comment on column command_result.version is 'Version of the invoice after the command';
comment on column command_result.code is 'Why it was not accepted, for programs';
comment on column command_result.message is 'Why it was not accepted, for people';
comment on column command_result.actor is 'Who asked, if that is known';
comment on column command_result.time is 'When the command was accepted by Kafka';
comment on column command_result.partition is 'Partition of the commands topic';
comment on column command_result.command_offset is 'Offset of the command in its partition';
comment on column command_result.value is 'What an accepted command caused: the events, and the snapshot of the invoice after them';

-- The topic keeps results for a day: what is older is in the version before
-- alone. What that one adds from now on is still in the topic. Ids that are too
-- long for the key of today have not been taken for long, and stay behind.
do $$
begin
	if to_regclass('public.command_result') is not null then
		insert into command_result (command_id, invoice_id, outcome, version, code, message, actor, time,
			partition, command_offset, value)
		select command_id, invoice_id, outcome, version, code, message, actor, time,
			partition, command_offset, value
		from public.command_result
		where (outcome, code) <> ('failed', 'wrong_partition')
			and octet_length(invoice_id) <= 1300 and octet_length(command_id) <= 1300
		on conflict do nothing;
	end if;
end
$$;`

// resultKey is an id as both columns of the primary key have it: an index row
// has room for one long id, or for two halves.
func resultKey(id string) string { return cut(id, maxKey/2) }

// keptResults is how long the view keeps an answer, in record time.
const keptResults = 30 * 24 * time.Hour

// queueCommandResults adds answers. The first answer of a command wins; a replay
// repeats it, so it serves where the view has missed the first.
func queueCommandResults(statements *pgx.Batch, codec eventim.Codec[invoices.Event], batch []result) error {
	var (
		commands, ids, outcomes, codes, messages, actors, values []string
		versions, offsets                                        []int64
		partitions                                               []int32
		times                                                    []time.Time
	)
	for _, r := range batch {
		rejection := eventim.Rejection{}
		if r.Rejection != nil {
			rejection = *r.Rejection
		}
		if r.Command == "" || !standsForCommand(r.Outcome, rejection.Code) {
			continue // it answers nobody, or is not the answer that the id stands for
		}
		value, err := valueOf(codec, r)
		if err != nil {
			return fmt.Errorf("encode the result of command %s: %w", r.Command, err)
		}
		commands, ids = append(commands, resultKey(r.Command)), append(ids, resultKey(r.Aggregate))
		outcomes, versions = append(outcomes, string(r.Outcome)), append(versions, r.Version)
		codes, messages = append(codes, storable(rejection.Code)), append(messages, storable(rejection.Message))
		actors, times = append(actors, storable(r.Actor)), append(times, r.Time)
		partitions, offsets = append(partitions, r.CommandPosition.Partition), append(offsets, r.CommandPosition.Offset)
		values = append(values, storableJSON(value))
	}
	statements.Queue(`
		insert into command_result (command_id, invoice_id, outcome, version, code, message, actor, time,
			partition, command_offset, value)
		select command_id, invoice_id, outcome, version, code, message, actor, time, partition, command_offset, value::jsonb
		from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
			$8::timestamptz[], $9::integer[], $10::bigint[], $11::text[])
			as r (command_id, invoice_id, outcome, version, code, message, actor, time, partition, command_offset, value)
		on conflict (invoice_id, command_id) do nothing`,
		commands, ids, outcomes, versions, codes, messages, actors, times, partitions, offsets, values)
	forgetResults(statements, batch)
	return nil
}

// standsForCommand tells whether a result is what became of the command of its
// id. A command in a foreign partition takes up no id: the one that was sent
// rightly may be handled before or after it.
func standsForCommand(outcome eventim.Outcome, code string) bool {
	switch code {
	case eventim.CodeCommandIDReused, eventim.CodeAnswerGone:
		return false
	case eventim.CodeWrongPartition:
		return outcome != eventim.Failed // a domain may have a code of that name
	default:
		return true
	}
}

// forgetResults deletes what is too old beside the last answer of each
// partition. Each deletes its own rows, so that those that are written at the
// same time do not lock each other's.
func forgetResults(statements *pgx.Batch, batch []result) {
	last := map[int32]time.Time{}
	for _, r := range batch {
		last[r.CommandPosition.Partition] = r.Time
	}
	for _, partition := range slices.Sorted(maps.Keys(last)) {
		statements.Queue(`delete from command_result where partition = $1 and time < $2`,
			partition, last[partition].Add(-keptResults))
	}
}

// resultValue is the column value; its fields are named as in the record.
type resultValue struct {
	Events   []eventValue   `json:"events,omitempty"`
	Snapshot *snapshotValue `json:"snapshot,omitempty"`

	// EffectOffset is that of the command that caused the events, where it is
	// not the row's: of a replay whose first answer the view has missed.
	EffectOffset *int64 `json:"effectOffset,omitempty"`
}

type eventValue struct {
	Type    string          `json:"type"`
	Version int64           `json:"version"`
	Data    json.RawMessage `json:"data"`
}

type snapshotValue struct {
	Version int64            `json:"version"`
	Data    invoices.Invoice `json:"data"`
}

func valueOf(codec eventim.Codec[invoices.Event], r result) ([]byte, error) {
	var v resultValue
	for _, e := range r.Events {
		p, err := codec.Encode(e.Payload)
		if err != nil {
			return nil, err
		}
		v.Events = append(v.Events, eventValue{p.Type, e.Version, p.Data})
	}
	if r.Snapshot != nil {
		v.Snapshot = &snapshotValue{r.Snapshot.Version, r.Snapshot.State}
	}
	if effect, ok := r.Effect(); ok && effect != r.CommandPosition {
		v.EffectOffset = &effect.Offset
	}
	return json.Marshal(v)
}

// CommandResult is the answer of a command.
type CommandResult struct {
	CommandID string
	Aggregate string // id of the invoice
	Outcome   string // accepted, rejected or failed
	Version   int64  // of the invoice after the command
	Code      string // of what was not accepted
	Message   string
	Time      time.Time
	Position  eventim.Position // of the command
	Effect    eventim.Position // of the command that caused the events of Value, if there are any

	// Value is {"events":[{"type","version","data"}],"snapshot":{"version","data"}}
	// of an accepted command, and {} of any other.
	Value json.RawMessage
}

const selectResults = `
	select command_id, invoice_id, outcome, version, code, message, time, partition, command_offset,
		coalesce((value ->> 'effectOffset')::bigint, command_offset), value
	from public.command_result `

// GetCommandResult returns the answer of a command of an invoice, or
// ErrNotFound, which may mean that there is none yet.
func GetCommandResult(ctx context.Context, db DB, invoice, command string) (CommandResult, error) {
	found, err := commandResults(ctx, db, `where invoice_id = $1 and command_id = $2`, resultKey(invoice), resultKey(command))
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return CommandResult{}, fmt.Errorf("read the result of command %s of %s: %w", command, invoice, err)
	}
	return found[0], nil
}

// MaxSameID is how many answers GetCommandResults returns at most.
const MaxSameID = 100

// GetCommandResults returns the answers of the commands of this id, one for
// each invoice that it was used for, in the order of the invoices' ids, and no
// more than MaxSameID. There may be none, or none yet.
func GetCommandResults(ctx context.Context, db DB, command string) ([]CommandResult, error) {
	found, err := commandResults(ctx, db, `where command_id = $1 order by invoice_id limit $2`, resultKey(command), MaxSameID)
	if err != nil {
		return nil, fmt.Errorf("read the results of command %s: %w", command, err)
	}
	return found, nil
}

func commandResults(ctx context.Context, db DB, where string, args ...any) ([]CommandResult, error) {
	rows, err := db.Query(ctx, selectResults+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r CommandResult, err error) {
		err = row.Scan(&r.CommandID, &r.Aggregate, &r.Outcome, &r.Version, &r.Code, &r.Message, &r.Time,
			&r.Position.Partition, &r.Position.Offset, &r.Effect.Offset, &r.Value)
		r.Effect.Partition = r.Position.Partition
		return r, err
	})
}

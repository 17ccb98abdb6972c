package views

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/projector"
)

// InvoiceHistory is the view invoice_history: all that ever happened.
func InvoiceHistory(a Aggregate) projector.Projection[eventim.Event[invoices.Event]] {
	return projector.Projection[eventim.Event[invoices.Event]]{
		Name: "invoice_history", Version: 2, Topic: a.EventTopic(), DDL: invoiceHistoryDDL, Key: "invoice_id",
		Queue: func(statements *pgx.Batch, batch []eventim.Event[invoices.Event]) error {
			return queueInvoiceHistory(statements, a.Events, batch)
		},
	}
}

const invoiceHistoryDDL = `
create table invoice_history (
	invoice_id text        collate "C" not null,
	version    bigint      not null,
	type       text        not null,
	time       timestamptz not null,
	actor      text        not null,
	command_id text        not null,
	data       jsonb       not null,
	schema     integer     not null,
	primary key (invoice_id, version)
);
create index on invoice_history (time);

comment on table invoice_history is 'What happened to each invoice: one row for each event, for ever';
comment on column invoice_history.invoice_id is 'Id of the invoice';
comment on column invoice_history.version is 'Number of the event, counting from 1 for each invoice, without gaps';
comment on column invoice_history.type is 'What happened, such as PaymentReceived';
comment on column invoice_history.time is 'When the command that caused it was accepted';
comment on column invoice_history.actor is 'Who asked for it, if that is known';
comment on column invoice_history.command_id is 'Id of the command that caused it';
comment on column invoice_history.data is 'The event; its fields depend on the type';
comment on column invoice_history.schema is 'Version of the schema of data, counting from 1 for each type';`

// queueInvoiceHistory adds events. One that comes again changes nothing: what
// happened, happened.
func queueInvoiceHistory(statements *pgx.Batch, codec eventim.Codec[invoices.Event], batch []eventim.Event[invoices.Event]) error {
	var (
		ids, types, actors, commands, data []string
		versions                           []int64
		schemas                            []int32
		times                              []time.Time
	)
	for _, e := range batch {
		p, err := codec.Encode(e.Payload)
		if err != nil {
			return fmt.Errorf("encode event %s: %w", e.ID(), err)
		}
		ids, versions, types = append(ids, key(e.Aggregate)), append(versions, e.Version), append(types, p.Type)
		times, actors = append(times, e.Time), append(actors, storable(e.Actor))
		commands, data = append(commands, storable(e.Command)), append(data, storableJSON(p.Data))
		schemas = append(schemas, int32(p.SchemaVersion)) //nolint:gosec // small
	}
	statements.Queue(`
		insert into invoice_history (invoice_id, version, type, time, actor, command_id, data, schema)
		select invoice_id, version, type, time, actor, command_id, data::jsonb, schema
		from unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::integer[])
			as e (invoice_id, version, type, time, actor, command_id, data, schema)
		on conflict (invoice_id, version) do nothing`, ids, versions, types, times, actors, commands, data, schemas)
	return nil
}

// HistoryEntry is one event of an invoice.
type HistoryEntry struct {
	Version   int64
	Type      string
	Time      time.Time
	Actor     string
	CommandID string
	Data      json.RawMessage
	Schema    int // version of the schema of Data
}

// History returns the events of an invoice, the first one first; none when the
// view does not know it.
func History(ctx context.Context, db DB, id string) ([]HistoryEntry, error) {
	return historyWhere(ctx, db, id, "true")
}

// historyWhere reads the events that fit a condition, whose argument is $2. The
// version of the view before has no schemas, and all that it holds was written in the first ones.
func historyWhere(ctx context.Context, db DB, id, condition string, args ...any) ([]HistoryEntry, error) {
	entries, err := collect[HistoryEntry](ctx, db, `
		select version, type, time, actor, command_id, data, coalesce((to_jsonb(h) ->> 'schema')::integer, 1)
		from public.invoice_history h where invoice_id = $1 and `+condition+` order by version`, append([]any{key(id)}, args...))
	if err != nil {
		return nil, fmt.Errorf("read the history of invoice %s: %w", id, err)
	}
	return entries, nil
}

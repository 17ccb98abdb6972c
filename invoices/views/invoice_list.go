package views

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/projector"
)

// InvoiceList is the view invoice_list: the current state of each invoice.
func InvoiceList(a Aggregate) projector.Projection[eventim.Snapshot[invoices.Invoice]] {
	return projector.Projection[eventim.Snapshot[invoices.Invoice]]{
		Name: "invoice_list", Version: 3, Topic: a.SnapshotTopic(), DDL: invoiceListDDL, Key: "id", Queue: queueInvoiceList,
	}
}

const invoiceListDDL = `
create table invoice_list (
	id            text        collate "C" primary key,
	version       bigint      not null,
	revision      integer     not null,
	status        text        not null,
	customer_name text        not null,
	currency      text        not null,
	total         bigint      not null,
	paid          bigint      not null,
	balance       bigint      not null,
	written_off   bigint      not null,
	issue_date    date        not null,
	due_date      date        not null,
	updated_at    timestamptz not null,
	series        text        collate "C",
	number        text,
	invoice       jsonb       not null
);
create index on invoice_list (updated_at desc, id desc) where status <> 'deleted';
create index on invoice_list (status, updated_at desc, id desc);
create index on invoice_list (due_date) where status in ('sent', 'partially_paid');
create index on invoice_list (number) where number is not null;
create index on invoice_list ((invoice ->> 'series')) where invoice ->> 'series' is not null;

comment on table invoice_list is 'The current state of each invoice, deleted ones too';
comment on column invoice_list.id is 'Id of the invoice';
comment on column invoice_list.version is 'How many events the invoice has had';
comment on column invoice_list.revision is 'Revision of the code that folded them';
comment on column invoice_list.status is 'draft, sent, partially_paid, paid, void, written_off or deleted';
comment on column invoice_list.customer_name is 'Name of the customer';
comment on column invoice_list.currency is 'Currency of all amounts, ISO 4217';
comment on column invoice_list.total is 'What the invoice comes to, with tax, discounts and charges, in minor units of the currency, such as cents';
comment on column invoice_list.paid is 'Sum of the payments, in minor units';
comment on column invoice_list.balance is 'What is still to be paid, in minor units: total less paid and written_off, 0 if it is void';
comment on column invoice_list.written_off is 'What was given up as a loss, in minor units; payments that come nevertheless make it smaller';
comment on column invoice_list.issue_date is 'Date of the invoice';
comment on column invoice_list.due_date is 'When it is to be paid; overdue if that has passed and it is sent or partially_paid';
comment on column invoice_list.updated_at is 'Time of the last command that changed the invoice';
comment on column invoice_list.series is 'Series that the number is of: none while it is a draft, and of what was sent before there were numbers';
comment on column invoice_list.number is 'Number of the invoice in its series, as it shows it; it comes a moment after the invoice was sent';
comment on column invoice_list.invoice is 'The whole invoice, with customer, lines and payments';`

// queueInvoiceList keeps, of each invoice, the newest snapshot: the one of the
// highest version, and of the same version the one that newer code has folded.
// A snapshot that comes again never moves a row back.
func queueInvoiceList(statements *pgx.Batch, batch []eventim.Snapshot[invoices.Invoice]) error {
	var (
		ids, statuses, customers, currencies, documents []string
		versions, totals, paid, balances, writtenOff    []int64
		revisions                                       []int32
		issued, due, updated                            []time.Time
		series, numbers                                 []*string
	)
	for _, s := range projector.Newest(underKeys(batch)) {
		document, err := json.Marshal(s.State)
		if err != nil {
			return fmt.Errorf("encode invoice %s: %w", s.Aggregate, err)
		}
		inv := s.State
		ids, versions, revisions = append(ids, s.Aggregate), append(versions, s.Version), append(revisions, int32(s.Revision)) //nolint:gosec // small
		statuses, customers = append(statuses, storable(string(inv.Status))), append(customers, storable(inv.Customer.Name))
		currencies, totals = append(currencies, string(inv.Currency)), append(totals, inv.Total.Minor())
		paid, balances = append(paid, inv.Paid.Minor()), append(balances, inv.Balance.Minor())
		writtenOff = append(writtenOff, inv.WrittenOff.Minor())
		issued, due = append(issued, inv.IssueDate.Time()), append(due, inv.DueDate.Time())
		series, numbers = append(series, orNull(inv.Series)), append(numbers, orNull(inv.Number))
		updated, documents = append(updated, s.Time), append(documents, storableJSON(document))
	}
	statements.Queue(`
		insert into invoice_list as v (id, version, revision, status, customer_name, currency, total, paid, balance, written_off,
			issue_date, due_date, updated_at, invoice, series, number)
		select id, version, revision, status, customer_name, currency, total, paid, balance, written_off,
			issue_date, due_date, updated_at, invoice::jsonb, series, number
		from unnest($1::text[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
			$9::bigint[], $10::bigint[], $11::date[], $12::date[], $13::timestamptz[], $14::text[], $15::text[], $16::text[])
			as s (id, version, revision, status, customer_name, currency, total, paid, balance, written_off,
				issue_date, due_date, updated_at, invoice, series, number)
		on conflict (id) do update set
			version = excluded.version, revision = excluded.revision, status = excluded.status,
			customer_name = excluded.customer_name, currency = excluded.currency, total = excluded.total,
			paid = excluded.paid, balance = excluded.balance, written_off = excluded.written_off, issue_date = excluded.issue_date,
			due_date = excluded.due_date, updated_at = excluded.updated_at, invoice = excluded.invoice,
			series = excluded.series, number = excluded.number
		where `+projector.Newer("v"),
		ids, versions, revisions, statuses, customers, currencies, totals, paid, balances, writtenOff, issued, due, updated, documents, series, numbers)
	return nil
}

// orNull is a text that may be missing.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return new(storable(s))
}

// underKeys returns the snapshots under the keys of their rows.
func underKeys(batch []eventim.Snapshot[invoices.Invoice]) []eventim.Snapshot[invoices.Invoice] {
	batch = slices.Clone(batch)
	for i := range batch {
		batch[i].Aggregate = key(batch[i].Aggregate)
	}
	return batch
}

// Row is one invoice of the list. Amounts are in minor units of the currency.
type Row struct {
	ID           string
	Version      int64
	CustomerName string
	Status       string
	Currency     string
	Total        int64
	Paid         int64
	Balance      int64
	IssueDate    time.Time
	DueDate      time.Time
	UpdatedAt    time.Time
	Number       string          // "" while it has none
	Invoice      json.RawMessage // the whole invoice, as its snapshot has it
}

// rowColumns are those that the version before has, too: it is read until this one
// has been built.
const rowColumns = `id, version, customer_name, status, currency, total, paid, balance, issue_date, due_date, updated_at, coalesce(invoice ->> 'number', ''), invoice`

// ListFilter says which invoices to list, and how.
type ListFilter struct {
	Status     []string  // any of these; all when empty
	Query      string    // part of the customer's name, of the number or of the id, in any case
	OverdueOn  time.Time // only what was to be paid before this day; zero: no matter
	IssuedFrom time.Time // the first date of invoices, and
	IssuedTo   time.Time // the last one; zero: no matter
	DueFrom    time.Time
	DueTo      time.Time
	Order      Order
	Cursor     string // ListPage.Next or Previous of a page in the same order
	Limit      int    // rows of a page: 50 when 0, at most 200
}

// ListPage is one page of invoices.
type ListPage struct {
	Rows     []Row
	Next     string          // cursor of the next page, "" for the last one
	Previous string          // cursor of the page before, "" for the first one
	Count    int64           // of all pages
	Totals   []CurrencyTotal // of all pages, by currency
}

// CurrencyTotal sums up invoices of one currency, in its minor units. The sums
// are digits: a few thousand of the largest invoices exceed an int64.
type CurrencyTotal struct {
	Currency    string
	Count       int64 // without what is void, as Total
	Total       string
	Balance     string
	Outstanding string // the balance without drafts: nobody owes those yet
	Draft       string // the total of drafts
	Void        int64  // how many are void
}

// ListInvoices returns a page of invoices. Deleted ones are never listed. A
// cursor that is not one is ErrCursor.
func ListInvoices(ctx context.Context, db DB, f ListFilter) (ListPage, error) {
	q := f.conditions()
	page := ListPage{}
	var err error
	if page.Totals, err = collect[CurrencyTotal](ctx, db, `
		select currency, count(*) filter (where status <> 'void'), coalesce(sum(total) filter (where status <> 'void'), 0)::text,
			sum(balance)::text, coalesce(sum(balance) filter (where status <> 'draft'), 0)::text,
			coalesce(sum(total) filter (where status = 'draft'), 0)::text, count(*) filter (where status = 'void')
		from public.invoice_list where `+q.where()+` group by currency order by currency`, q.args); err != nil {
		return ListPage{}, fmt.Errorf("sum up the invoices: %w", err)
	}
	for _, t := range page.Totals {
		page.Count += t.Count + t.Void
	}
	page.Rows, page.Previous, page.Next, err = f.rows(ctx, db, q)
	return page, err
}

// rows reads the rows of a page and one more, which shows whether another page follows.
func (f ListFilter) rows(ctx context.Context, db DB, q *query) (rows []Row, previous, next string, err error) {
	keys, err := f.Order.keys()
	if err != nil {
		return nil, "", "", err
	}
	var from cursor
	if f.Cursor != "" {
		if from, err = parseCursor(f.Cursor, f.Order); err != nil {
			return nil, "", "", err
		}
		if err := f.Order.beyond(q, keys, from); err != nil {
			return nil, "", "", err
		}
	}
	limit := pageSize(f.Limit)
	rows, err = collect[Row](ctx, db, `select `+rowColumns+` from public.invoice_list where `+q.where()+
		` order by `+f.Order.orderBy(keys, from.back)+` limit `+strconv.Itoa(limit+1), q.args)
	if err != nil {
		return nil, "", "", fmt.Errorf("list the invoices: %w", err)
	}
	more := len(rows) > limit
	rows = rows[:min(len(rows), limit)]
	if from.back {
		slices.Reverse(rows)
	}
	if len(rows) == 0 {
		return nil, "", "", nil
	}
	if more && from.back || f.Cursor != "" && !from.back {
		previous = cursorOf(rows[0], f.Order, keys, true).String()
	}
	if more && !from.back || from.back {
		next = cursorOf(rows[len(rows)-1], f.Order, keys, false).String()
	}
	return rows, previous, next, nil
}

// AllInvoices yields all invoices of a filter, whatever its cursor and its limit, as they
// are when the first one is read. What is not taken yet waits in Postgres. An error is
// the last that is yielded.
func AllInvoices(ctx context.Context, db DB, f ListFilter) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		keys, err := f.Order.keys()
		if err != nil {
			yield(Row{}, err)
			return
		}
		q := f.conditions()
		rows, err := db.Query(ctx, `select `+rowColumns+` from public.invoice_list where `+q.where()+` order by `+f.Order.orderBy(keys, false), q.args...)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := pgx.RowToStructByPos[Row](rows)
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Row{}, err)
		}
	}
}

func pageSize(limit int) int {
	if limit <= 0 {
		return 50
	}
	return min(limit, 200)
}

// conditions are written out, rather than switched off by arguments, so that
// the planner sees which index fits.
func (f ListFilter) conditions() *query {
	q := &query{}
	q.add(`status <> 'deleted'`)
	if len(f.Status) > 0 {
		q.add(`status = any(%s)`, slices.Clone(f.Status))
	}
	if f.Query != "" {
		// Names of invoices of long ago are as they were typed.
		pattern := "%" + escapeLike.Replace(norm.NFC.String(storable(f.Query))) + "%"
		q.add(`(normalize(customer_name) ilike %s or id ilike %s or invoice ->> 'number' ilike %s)`, pattern, pattern, pattern)
	}
	if !f.OverdueOn.IsZero() {
		q.add(`status in ('sent', 'partially_paid') and due_date < %s`, f.OverdueOn.Format(time.DateOnly))
	}
	for _, bound := range []struct {
		condition string
		day       time.Time
	}{
		{`issue_date >= %s`, f.IssuedFrom}, {`issue_date <= %s`, f.IssuedTo}, {`due_date >= %s`, f.DueFrom}, {`due_date <= %s`, f.DueTo},
	} {
		if !bound.day.IsZero() {
			q.add(bound.condition, bound.day.Format(time.DateOnly))
		}
	}
	return q
}

var escapeLike = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// GetInvoice returns an invoice, a deleted one too, or ErrNotFound.
func GetInvoice(ctx context.Context, db DB, id string) (Row, error) {
	rows, err := db.Query(ctx, `select `+rowColumns+` from public.invoice_list where id = $1`, key(id))
	if err != nil {
		return Row{}, fmt.Errorf("read invoice %s: %w", id, err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Row])
	if err != nil {
		return Row{}, fmt.Errorf("read invoice %s: %w", id, notFound(err))
	}
	return row, nil
}

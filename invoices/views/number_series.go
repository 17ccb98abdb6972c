package views

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/numbering"
	"github.com/eventim-go/eventim/invoices/series"
	"github.com/eventim-go/eventim/projector"
)

// NumberSeries is the view number_series: each number that was ever given.
func NumberSeries(a Aggregate) projector.Projection[eventim.Event[series.Event]] {
	return projector.Projection[eventim.Event[series.Event]]{
		Name: "number_series", Version: 1, Topic: numbering.SeriesOf(a).EventTopic(), DDL: numberSeriesDDL, Key: "series", Queue: queueNumberSeries,
	}
}

// The key is the version, and not the number: the view shows what happened, and is
// there to prove that no number is missing or given twice.
const numberSeriesDDL = `
create table number_series (
	series      text        collate "C" not null,
	version     bigint      not null,
	entity      text        not null,
	document    text        not null,
	fiscal_year integer     not null,
	number      bigint      not null,
	text        text        not null,
	document_id text        collate "C" not null,
	time        timestamptz not null,
	primary key (series, version)
);
create index on number_series (series, number);
create index on number_series (document_id);
create index on number_series (text);

comment on table number_series is 'The numbers that documents have got: one row for each, for ever';
comment on column number_series.series is 'Id of the series: legal entity, kind of document and fiscal year';
comment on column number_series.version is 'How many events the series had had with this one';
comment on column number_series.entity is 'Legal entity';
comment on column number_series.document is 'Kind of document, such as invoice';
comment on column number_series.fiscal_year is 'Fiscal year: of an invoice, the calendar year of its date';
comment on column number_series.number is 'The number, counting from 1 for each series';
comment on column number_series.text is 'The number as the document shows it';
comment on column number_series.document_id is 'Id of the document';
comment on column number_series.time is 'When it was given';`

// queueNumberSeries adds numbers. One that comes again changes nothing.
func queueNumberSeries(statements *pgx.Batch, batch []eventim.Event[series.Event]) error {
	var (
		ids, entities, kinds, texts, documents []string
		versions, numbers                      []int64
		years                                  []int32
		times                                  []time.Time
	)
	for _, e := range batch {
		n, ok := e.Payload.(series.NumberAssigned)
		if !ok {
			continue
		}
		k, err := series.ParseKey(e.Aggregate)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.ID(), err)
		}
		ids, versions = append(ids, key(e.Aggregate)), append(versions, e.Version)
		entities, kinds, years = append(entities, storable(k.Entity)), append(kinds, storable(k.Document)), append(years, int32(k.FiscalYear)) //nolint:gosec // four digits
		numbers, texts = append(numbers, n.Number), append(texts, storable(n.Text))
		documents, times = append(documents, key(n.Document)), append(times, e.Time)
	}
	statements.Queue(`
		insert into number_series (series, version, entity, document, fiscal_year, number, text, document_id, time)
		select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::text[], $8::text[], $9::timestamptz[])
		on conflict (series, version) do nothing`, ids, versions, entities, kinds, years, numbers, texts, documents, times)
	return nil
}

// SeriesProof is a series of numbers, with what shows whether it is whole.
type SeriesProof struct {
	ID         string
	Entity     string
	Document   string // the kind
	FiscalYear int32
	Count      int64  // numbers that were given
	Documents  int64  // that have one
	First      int64  // number
	Last       int64  // number
	LastText   string // as the document shows it
	Missing    []int64
	Repeated   []int64
	Waiting    int64 // invoices that were sent, and do not have their number yet
	Different  int64 // invoices that show another number than the series gave them
}

// Whole tells whether the numbers are 1 to Last, each once, and each of another
// document, which shows no other.
func (s SeriesProof) Whole() bool {
	return (s.First == 1 || s.Count == 0) && s.Last == s.Count && s.Documents == s.Count && len(s.Missing)+len(s.Repeated) == 0 && s.Different == 0
}

// shownGaps is how many numbers that are missing, or repeated, are listed.
const shownGaps = 20

// ListSeries returns all series with their proofs, the newest year first. Of the
// numbers that are missing or repeated, it lists the first 20.
func ListSeries(ctx context.Context, db DB) ([]SeriesProof, error) {
	all, err := collect[SeriesProof](ctx, db, `
		with given as (
			select series, count(*) as count, count(distinct document_id) as documents, min(number) as first, max(number) as last
			from public.number_series group by series
		), shown as (
			select invoice ->> 'series' as series, count(*) filter (where invoice ->> 'number' is null) as waiting,
				count(*) filter (where exists (select from public.number_series n
					where n.document_id = i.id and n.series = invoice ->> 'series' and n.text <> invoice ->> 'number')) as different
			from public.invoice_list i where invoice ->> 'series' is not null group by 1
		)
		select series, split_part(series, '.', 1), split_part(series, '.', 2), split_part(series, '.', 3)::integer,
			coalesce(count, 0), coalesce(documents, 0), coalesce(first, 0), coalesce(last, 0),
			coalesce((select text from public.number_series n where n.series = s.series order by number desc limit 1), ''),
			array(select m from generate_series(1, last) m
				where not exists (select from public.number_series n where n.series = s.series and n.number = m) order by m limit $1),
			array(select number from public.number_series n where n.series = s.series
				group by number having count(*) > 1 order by number limit $1),
			coalesce(waiting, 0), coalesce(different, 0)
		from (select series from given union select series from shown) s left join given using (series) left join shown using (series)
		order by 4 desc, 1`, []any{shownGaps})
	if err != nil {
		return nil, fmt.Errorf("read the number series: %w", err)
	}
	return all, nil
}

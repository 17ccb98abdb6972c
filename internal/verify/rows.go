package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/checker"
)

// Rows are the views in Postgres.
type Rows struct {
	Invoices  []InvoiceRow
	History   []HistoryRow
	Answers   []AnswerRow
	Numbers   []NumberRow
	Positions []PositionRow
}

// InvoiceRow is a row of invoice_list.
type InvoiceRow struct {
	ID                               string
	Version                          int64
	Status, CustomerName, Currency   string
	Total, Paid, Balance, WrittenOff int64
	IssueDate, DueDate               string
	Series, Number                   string
	Invoice                          json.RawMessage
}

// HistoryRow is a row of invoice_history.
type HistoryRow struct {
	Invoice   string
	Version   int64
	Type      string
	CommandID string
	Data      json.RawMessage
}

// AnswerRow is a row of command_result.
type AnswerRow struct {
	CommandID, Invoice, Outcome string
	Version                     int64
	Code                        string
	Partition                   int32
	Offset                      int64
	Value                       json.RawMessage
}

// NumberRow is a row of number_series.
type NumberRow struct {
	Series         string
	Version        int64
	Number         int64
	Text, Document string
}

// PositionRow is how far a live view is in a partition.
type PositionRow struct {
	View, Topic string
	Partition   int32
	Next        int64
}

// readRows reads all views as of one moment.
func readRows(ctx context.Context, pool *pgxpool.Pool) (*Rows, error) {
	rows := &Rows{}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return rows, pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) (err error) {
		if rows.Invoices, err = collect[InvoiceRow](ctx, tx, `
			select id, version, status, customer_name, currency, total, paid, balance, written_off, issue_date::text, due_date::text,
				coalesce(series, ''), coalesce(number, ''), invoice
			from public.invoice_list order by id`); err != nil {
			return err
		}
		if rows.History, err = collect[HistoryRow](ctx, tx, `
			select invoice_id, version, type, command_id, data
			from public.invoice_history order by invoice_id, version`); err != nil {
			return err
		}
		if rows.Answers, err = collect[AnswerRow](ctx, tx, `
			select command_id, invoice_id, outcome, version, code, partition, command_offset, value
			from public.command_result order by invoice_id, command_id`); err != nil {
			return err
		}
		if rows.Numbers, err = collect[NumberRow](ctx, tx, `
			select series, version, number, text, document_id from public.number_series`); err != nil {
			return err
		}
		rows.Positions, err = readPositions(ctx, tx)
		return err
	})
}

type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func collect[T any](ctx context.Context, q queryer, sql string) ([]T, error) {
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

func readPositions(ctx context.Context, q queryer) ([]PositionRow, error) {
	return collect[PositionRow](ctx, q, `
		select p.view, p.topic, p.partition, p.next_offset
		from projector.positions p join projector.views v using (view, version)`)
}

// awaitViews waits until the views have applied all records of the log. Views
// that stay behind are for the judge; Postgres may be on its way back.
func awaitViews(ctx context.Context, pool *pgxpool.Pool, logs []*checker.Log, within time.Duration) error {
	deadline := time.Now().Add(within)
	for {
		positions, err := readPositions(ctx, pool)
		if err == nil && len(positions) > 0 && !slices.ContainsFunc(positions, func(p PositionRow) bool { return p.Next < neededBy(logs, p) }) {
			return nil
		}
		if time.Now().After(deadline) {
			if err != nil {
				return fmt.Errorf("read the positions of the views: %w", err)
			}
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// neededBy is the offset after the last record that a view has to have applied.
func neededBy(logs []*checker.Log, p PositionRow) int64 {
	partition := partitionOf(logs, p)
	if partition == nil || len(partition.Visible) == 0 {
		return 0
	}
	return partition.Visible[len(partition.Visible)-1].Offset + 1
}

func partitionOf(logs []*checker.Log, p PositionRow) *checker.Partition {
	for _, log := range logs {
		for _, t := range []*checker.Topic{&log.Results, &log.Events, &log.Snapshots} {
			if t.Name == p.Topic && int(p.Partition) < len(t.Partitions) {
				return &t.Partitions[p.Partition]
			}
		}
	}
	return nil
}

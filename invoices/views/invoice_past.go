package views

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// ErrNoVersion says that an invoice has not, or not yet, the version that was asked for.
var ErrNoVersion = errors.New("there is no such version")

// ErrUnreadable says that this program cannot read a history: an event is of a newer
// one, or one is missing.
var ErrUnreadable = errors.New("the history cannot be read")

// Moment is an invoice as an event has left it.
type Moment struct {
	HistoryEntry
	Invoice invoices.Invoice
}

// InvoiceOf returns an invoice as it was at a version: the fold of its events up to
// that one, as the command handler folds them. It is ErrNotFound when the view does
// not know the invoice, ErrNoVersion when it has not that many events. Version 0 is
// the invoice before it was, the zero Moment.
func InvoiceOf(ctx context.Context, db DB, a Aggregate, id string, version int64) (Moment, error) {
	m, err := folded(ctx, db, a, id, `version <= $2`, version)
	if err != nil || m.Version == version && version > 0 {
		return m, err
	}
	if err = absent(ctx, db, id); version == 0 && errors.Is(err, ErrNoVersion) {
		return Moment{}, nil
	}
	return Moment{}, fmt.Errorf("read version %d of invoice %s: %w", version, id, err)
}

// InvoiceAt returns an invoice as it was at a time: after the last event before the
// first one that is later. It is ErrNotFound when the view does not know the invoice,
// ErrNoVersion when nothing had happened to it by then.
func InvoiceAt(ctx context.Context, db DB, a Aggregate, id string, at time.Time) (Moment, error) {
	m, err := folded(ctx, db, a, id, `version < (
		select coalesce(min(version), 9223372036854775807) from public.invoice_history l where l.invoice_id = $1 and l.time > $2)`, at)
	if err == nil && m.Version == 0 {
		return Moment{}, fmt.Errorf("read invoice %s as of %v: %w", id, at, absent(ctx, db, id))
	}
	return m, err
}

func folded(ctx context.Context, db DB, a Aggregate, id, condition string, arg any) (Moment, error) {
	entries, err := historyWhere(ctx, db, id, condition, arg)
	if err != nil {
		return Moment{}, err
	}
	var last Moment
	if err := Retell(a, entries, func(_ invoices.Invoice, m Moment) { last = m }); err != nil {
		return Moment{}, fmt.Errorf("fold the history of invoice %s: %w", id, err)
	}
	return last, nil
}

// absent tells why events are missing.
func absent(ctx context.Context, db DB, id string) error {
	var known bool
	err := db.QueryRow(ctx, `select exists (select from public.invoice_history where invoice_id = $1)`, key(id)).Scan(&known)
	switch {
	case err != nil:
		return err
	case known:
		return ErrNoVersion
	default:
		return ErrNotFound
	}
}

// Retell folds events of an invoice, from its first one on, by the code of the
// aggregate and through its upcasters. It tells what each has left, and what the
// invoice was before. It stops with ErrUnreadable at an event that this program cannot
// read, or where one is missing.
func Retell(a Aggregate, entries []HistoryEntry, tell func(before invoices.Invoice, m Moment)) error {
	var inv invoices.Invoice
	for i, e := range entries {
		if e.Version != int64(i+1) {
			return fmt.Errorf("%w: event %d is followed by event %d", ErrUnreadable, i, e.Version)
		}
		payload, err := a.Events.Decode(eventim.Payload{Type: e.Type, SchemaVersion: e.Schema, Data: e.Data})
		if err != nil {
			return fmt.Errorf("%w: event %d: %w", ErrUnreadable, e.Version, err)
		}
		before := inv
		inv = a.Replay(inv, payload)
		tell(before, Moment{e, inv})
	}
	return nil
}

package projector

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// slowError is one of a batch that takes longer than a transaction may: the same
// one would be as slow the next time. With fewer records it is faster.
type slowError struct{ error }

func (e slowError) Unwrap() error { return e.error }

// judgeTime marks what went over a limit of time, with more records than one. A
// single one is tried again as it is: the server may be faster then.
func judgeTime(ctx context.Context, err error, records int) error {
	if records < 2 || ctx.Err() != nil || !overTime(err) {
		return err
	}
	return slowError{err}
}

// overTime knows statement_timeout, transaction_timeout and commitTimeout.
func overTime(err error) bool {
	const canceled, transactionTimeout = "57014", "25P04"
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return errors.Is(err, context.DeadlineExceeded)
	}
	return pg.Code == canceled || pg.Code == transactionTimeout
}

// enough is how many records a transaction takes: at most what is configured,
// and fewer after one was too slow. It grows by little, since each time that it
// is too large again costs the whole limit.
type enough struct{ most, fewer int }

func (e *enough) records() int {
	if e.fewer == 0 {
		return e.most
	}
	return e.fewer
}

func (e *enough) shrink(to int) { e.fewer = max(1, min(to, e.records())) }

// grow is told how many records went into a transaction.
func (e *enough) grow(records int) {
	if e.fewer == 0 || records < e.fewer {
		return
	}
	if e.fewer += 1 + e.fewer/16; e.fewer >= e.most {
		e.fewer = 0
	}
}

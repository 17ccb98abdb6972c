package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/postgres"
)

// errMoved: the position in Postgres is not the one that was advanced from.
var errMoved = errors.New("the position has moved")

// permanentError is one that trying again does not mend.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// A connection that is dead without a word must not hold a partition for ever.
const commitTimeout = 2 * time.Minute

// channel is where the commits of live views are notified, as
// <view>:<partition>:<command offset>.
const channel = "eventim_view"

// commit moves the position of a partition from old to next and writes b, nil
// for nothing, in one transaction. It returns errMoved, and has changed
// nothing, when the position is not old.
//
// The position comes first. Its row lock orders those who write the same
// partition: a zombie, or a transaction of ours whose commit we lost sight of,
// is waited for, and then the comparison fails for the later one. So a batch
// whose commit is in doubt is tried again without harm.
func (v *view) commit(ctx context.Context, pool *pgxpool.Pool, partition int32, old, next position, b batch) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	tx, err := pool.Begin(ctx)
	if err != nil {
		// Whatever it is, it says nothing about the records, and the partition
		// goes on by itself when somebody has mended it.
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	err = v.commitIn(ctx, tx, partition, old, next, b)
	if postgres.Stale(err) {
		_ = tx.Conn().Close(ctx) // the pool makes another one
	}
	return err
}

func (v *view) commitIn(ctx context.Context, tx pgx.Tx, partition int32, old, next position, b batch) error {
	if err := v.move(ctx, tx, partition, old, next); err != nil {
		return err
	}
	if b != nil {
		if err := b.write(ctx, tx); err != nil {
			return fmt.Errorf("write: %w", judgeWrite(ctx, tx, err))
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", judge(err))
	}
	return nil
}

// move is the compare-and-set, in one round trip with the search path and the
// notification, which is delivered when the transaction commits, and only
// then.
//
// Only a live version notifies. Whether it is live is a statement of its own,
// with a snapshot of its own: an update that had to wait for the swap, which
// locks the positions, must see what the swap did, or nobody would wake those
// who wait for this commit.
func (v *view) move(ctx context.Context, tx pgx.Tx, partition int32, old, next position) error {
	var statements pgx.Batch
	moved := false
	statements.Queue(`
		update projector.positions
		set next_offset = $6, command_offset = $7, seen_offset = $8, updated_at = now()
		where view = $1 and version = $2 and topic = $3 and partition = $4 and next_offset = $5
		returning set_config('search_path', $9, true) is not null`,
		v.name, v.version, v.topic, partition, old.next, next.next, next.applied, next.seen, v.schema(),
	).QueryRow(func(row pgx.Row) error { return row.Scan(&moved) })
	if next.applied > old.applied {
		statements.Queue(`select pg_notify($3, $4) from projector.views where view = $1 and version = $2`,
			v.name, v.version, channel, notification(v, partition, next))
	}
	err := tx.SendBatch(ctx, &statements).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return errMoved
	}
	if err != nil {
		return fmt.Errorf("move the position: %w", judge(err))
	}
	return nil
}

// notification is what those hear who wait for a partition.
func notification(v *view, partition int32, at position) string {
	return fmt.Sprintf("%s:%d:%d", v.name, partition, at.applied)
}

// judge marks what trying again does not mend. Table and reasons are those of
// package postgres.
func judge(err error) error {
	blame, fromPostgres := postgres.BlameOf(err)
	if fromPostgres && blame != postgres.Passes {
		return permanentError{err}
	}
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return permanentError{fmt.Errorf("write has hidden an error of a statement: %w", err)}
	}
	return err
}

// judgeWrite judges what a Write returned: on a healthy connection, what
// Postgres did not say is an error of Write itself.
func judgeWrite(ctx context.Context, tx pgx.Tx, err error) error {
	_, fromPostgres := postgres.BlameOf(err)
	if fromPostgres || ctx.Err() != nil || tx.Conn().IsClosed() {
		return judge(err)
	}
	return permanentError{err}
}

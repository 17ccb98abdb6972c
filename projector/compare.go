package projector

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Comparison says how the rows of a rebuild differ from the live ones, at equal
// positions.
type Comparison struct {
	At     time.Time         `json:"at"`
	Tables []TableComparison `json:"tables"`
}

// TableComparison compares one table, by partition. The partition is that of the
// key of a row, by Projection.Key; without one, all rows are in partition -1.
type TableComparison struct {
	Table       string                `json:"table"`
	Partitions  []PartitionComparison `json:"partitions"`
	Differences []RowDifference       `json:"differences"` // the first ones
}

// PartitionComparison compares the rows of one partition. A sum is of the hashes
// of all rows, whatever their order.
type PartitionComparison struct {
	Partition int32  `json:"partition"`
	LiveRows  int64  `json:"liveRows"`
	BuiltRows int64  `json:"builtRows"`
	LiveSum   string `json:"liveSum"`
	BuiltSum  string `json:"builtSum"`
}

// RowDifference is a row that differs, as Postgres writes rows; empty where it is
// not there.
type RowDifference struct {
	Key   string `json:"key"`
	Live  string `json:"live"`
	Built string `json:"built"`
}

const (
	maxDifferences = 10
	maxRowText     = 2000
)

// Equal tells whether all rows are the same.
func (c Comparison) Equal() bool {
	for _, t := range c.Tables {
		if t.differing() > 0 {
			return false
		}
	}
	return true
}

// Summary is a sentence about all tables.
func (c Comparison) Summary() string {
	live, built, differing := int64(0), int64(0), 0
	for _, t := range c.Tables {
		for _, p := range t.Partitions {
			live, built = live+p.LiveRows, built+p.BuiltRows
		}
		differing += t.differing()
	}
	if differing == 0 {
		return fmt.Sprintf("%d rows, and none differs", live)
	}
	return fmt.Sprintf("%d live rows, %d built ones, which differ in %d partitions", live, built, differing)
}

func (t TableComparison) differing() (n int) {
	for _, p := range t.Partitions {
		if p.LiveRows != p.BuiltRows || p.LiveSum != p.BuiltSum {
			n++
		}
	}
	return n
}

// Compare compares a rebuild with the live rows, and keeps what it finds. The live
// rows are held back only until both stand at the same positions: what is compared
// is a snapshot of that moment. After a swap, the rows of before are compared.
func (r Rebuilds) Compare(ctx context.Context, view string) (Comparison, error) {
	var found Comparison
	err := again(ctx, func() error {
		snapshot, now, err := r.snapshot(ctx, view)
		if err != nil {
			return err
		}
		defer func() { _ = snapshot.Rollback(context.WithoutCancel(ctx)) }()
		found, err = now.compare(ctx, snapshot)
		return err
	})
	if err == nil {
		_, err = r.pool.Exec(ctx, `
			update projector.rebuilds set comparison = $2 where view = $1 and ended_at is null`, view, found)
	}
	if err != nil {
		return Comparison{}, fmt.Errorf("compare the rebuild of view %s: %w", view, err)
	}
	return found, nil
}

// snapshot returns a transaction that sees the rebuild and the live rows at equal
// positions, and holds nobody back.
func (r Rebuilds) snapshot(ctx context.Context, view string) (snapshot pgx.Tx, now Rebuild, err error) {
	err = r.locked(ctx, view, func(tx pgx.Tx) error {
		if now, err = underWay(ctx, tx, view); err != nil {
			return err
		}
		if now.State != RebuildBuilt && now.State != RebuildSwapped {
			return fmt.Errorf("%w: it is %s, and not built", ErrRebuildState, now.State)
		}
		if err := now.moves(); err != nil {
			return err
		}
		if err := now.align(ctx, tx); err != nil {
			return err
		}
		snapshot, err = r.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		_, err = snapshot.Exec(ctx, `select set_config('statement_timeout', '0', true)`) // now it sees what it will see
		return err
	})
	if err != nil && snapshot != nil {
		_ = snapshot.Rollback(context.WithoutCancel(ctx))
	}
	return snapshot, now, err
}

// compare compares all tables that the version has.
func (r Rebuild) compare(ctx context.Context, tx pgx.Tx) (Comparison, error) {
	found := Comparison{At: time.Now().UTC()}
	rows, err := tx.Query(ctx, `
		select relname from pg_class
		where relnamespace = to_regnamespace(quote_ident($1)) and relkind in ('r', 'p') and not relispartition order by relname`,
		schemaOf(r.View, r.Version))
	if err != nil {
		return found, err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return found, err
	}
	partitions, err := r.partitions(ctx, tx)
	if err != nil {
		return found, err
	}
	for _, name := range tables {
		t := rowsOf{live: schemaOf(r.View, r.Version), built: schemaOf(r.View, -r.ID), table: name, partitions: partitions}
		if name == r.View {
			t.key = r.keyColumn
		}
		compared, err := t.compare(ctx, tx)
		if err != nil {
			return found, fmt.Errorf("table %s: %w", name, err)
		}
		found.Tables = append(found.Tables, compared)
	}
	return found, nil
}

func (r Rebuild) partitions(ctx context.Context, tx pgx.Tx) (n int32, err error) {
	err = tx.QueryRow(ctx, `
		select count(*) from projector.positions where view = $1 and version = $2`, r.View, -r.ID).Scan(&n)
	return n, err
}

package projector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
)

// rowsOf are a table in two schemas.
type rowsOf struct {
	live, built, table string
	partitions         int32
	key                string // the column; empty: partitions are not told apart
}

// sum is of rows in any order: equal rows that are there twice do not cancel out.
type sum struct {
	rows   int64
	hashes uint64
}

func (s sum) String() string { return strconv.FormatUint(s.hashes, 16) }

func (r rowsOf) compare(ctx context.Context, tx pgx.Tx) (TableComparison, error) {
	found := TableComparison{Table: r.table, Differences: []RowDifference{}}
	live, err := r.sums(ctx, tx, r.live)
	if err != nil {
		return found, err
	}
	built, err := r.sums(ctx, tx, r.built)
	if err != nil {
		return found, err
	}
	all := maps.Clone(live)
	maps.Copy(all, built)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		l, b := live[id], built[id]
		found.Partitions = append(found.Partitions, PartitionComparison{
			Partition: id, LiveRows: l.rows, BuiltRows: b.rows, LiveSum: l.String(), BuiltSum: b.String(),
		})
	}
	if found.differing() > 0 {
		found.Differences, err = r.differences(ctx, tx)
	}
	return found, err
}

// sums adds up the rows of one schema, by the partition of their key.
func (r rowsOf) sums(ctx context.Context, tx pgx.Tx, schema string) (map[int32]sum, error) {
	sums := map[int32]sum{}
	partitionOf := func(string) (int32, error) { return -1, nil }
	key := `''`
	if r.key != "" {
		partitionOf, key = byKey(r.partitions), pgx.Identifier{r.key}.Sanitize()+`::text`
	}
	rows, err := tx.Query(ctx, `select `+key+`, hashtextextended(t::text, 0) from `+pgx.Identifier{schema, r.table}.Sanitize()+` t`)
	if err != nil {
		return nil, err
	}
	var text string
	var hash int64
	_, err = pgx.ForEachRow(rows, []any{&text, &hash}, func() error {
		id, err := partitionOf(text)
		s := sums[id]
		sums[id] = sum{s.rows + 1, s.hashes + uint64(hash)}
		return err
	})
	return sums, err
}

// byKey returns what says to which of n partitions a key belongs.
func byKey(n int32) func(key string) (int32, error) {
	partitioner := sarama.NewMurmur2Partitioner("")
	return func(key string) (int32, error) {
		return partitioner.Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, n)
	}
}

// differences returns the first rows that differ, by primary key, or by all that
// they hold where there is none.
func (r rowsOf) differences(ctx context.Context, tx pgx.Tx) ([]RowDifference, error) {
	key, err := r.primaryKey(ctx, tx)
	if err != nil {
		return nil, err
	}
	side := func(schema string) string {
		return `(select ` + key + ` as key, t::text as row from ` + pgx.Identifier{schema, r.table}.Sanitize() + ` t)`
	}
	rows, err := tx.Query(ctx, `
		select coalesce(live.key, built.key), left(coalesce(live.row, ''), $2), left(coalesce(built.row, ''), $2)
		from `+side(r.live)+` live full join `+side(r.built)+` built on live.key = built.key
		where live.row is distinct from built.row
		order by 1 limit $1`, maxDifferences, maxRowText)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RowDifference])
}

// primaryKey is an expression that tells the rows t apart.
func (r rowsOf) primaryKey(ctx context.Context, tx pgx.Tx) (expression string, err error) {
	err = tx.QueryRow(ctx, `
		select 'row(' || string_agg(format('t.%I', a.attname), ', ' order by array_position(i.indkey::smallint[], a.attnum)) || ')::text'
		from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
		where i.indrelid = format('%I.%I', $1::text, $2::text)::regclass and i.indisprimary
		group by i.indexrelid`, r.live, r.table).Scan(&expression)
	if errors.Is(err, pgx.ErrNoRows) {
		return `t::text`, nil
	}
	return expression, err
}

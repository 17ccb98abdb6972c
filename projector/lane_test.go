package projector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
)

// entries is a view that keeps what it was given, in a table whose name is the
// same in all such views. It takes nothing below 0.
func entries(name, topic string) projector.Projection[add] {
	return projector.Projection[add]{
		Name: name, Version: 1, Queue: queueEntries,
		DDL: `create table ` + name + ` (unused boolean); create table entries (
			nr bigint generated always as identity primary key, key text not null, n bigint not null check (n >= 0))`,
		Topic: eventim.Topic[add]{Name: topic, Decode: decodeAdd},
	}
}

func queueEntries(statements *pgx.Batch, batch []add) error {
	var keys []string
	var ns []int64
	for _, a := range batch {
		keys, ns = append(keys, a.Key), append(ns, a.N)
	}
	statements.Queue(`insert into entries (key, n)
		select key, n from unnest($1::text[], $2::bigint[]) with ordinality as e (key, n, nr) order by nr`, keys, ns)
	return nil
}

// laneFixture is a lane without Kafka, for the views one and two.
type laneFixture struct {
	*projector.Lane
	pool *pgxpool.Pool
}

func newLane(t *testing.T, partitions int) laneFixture {
	t.Helper()
	f := laneFixture{pool: pgtest.New(t)}
	err := migrations.Up(t.Context(), f.pool)
	if err == nil {
		f.Lane, err = projector.NewLane(t.Context(), f.pool, partitions, entries("one", "topic"), entries("two", "topic"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// move is of adds that follow the position old.
func move(view string, partition int32, old int64, adds ...add) projector.Move {
	m := projector.Move{View: view, Partition: partition, Old: old}
	for i, a := range adds {
		value, err := json.Marshal(a)
		if err != nil {
			panic(err)
		}
		m.Records = append(m.Records, eventim.Record{
			Topic: "topic", Position: eventim.Position{Partition: partition, Offset: old + int64(i)}, Value: value,
			Headers: []*eventim.Header{{Key: []byte("ce_commandoffset"), Value: strconv.AppendInt(nil, old+int64(i), 10)}},
		})
	}
	return m
}

func (f laneFixture) strings(t testing.TB, query string) []string {
	t.Helper()
	rows, err := f.pool.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func equal[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// What waits is one transaction, in which the names of each view are its own,
// and the records of each partition in their order.
func TestALaneCommitsAllThatWaits(t *testing.T) {
	t.Parallel()
	f := newLane(t, 3)
	waiting, err := f.pool.Acquire(t.Context())
	if err == nil {
		_, err = waiting.Exec(t.Context(), `listen eventim_view`)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Release()
	for round := range int64(2) { // once more with statements that are prepared
		committed := f.Serve(t.Context(),
			move("one", 0, 3*round, add{"a", 1}, add{"b", 2}, add{"c", 3}),
			move("two", 2, 2*round, add{"x", 7}, add{"y", 8}),
			move("one", 1, 2*round, add{"d", 4}, add{"e", 5}))
		equal(t, "committed", committed, []bool{true, true, true})
		equal(t, "notified", heard(t, waiting.Conn(), 3),
			[]string{fmt.Sprint("one:0:", 3*round+2), fmt.Sprint("one:1:", 2*round+1), fmt.Sprint("two:2:", 2*round+1)})
	}
	equal(t, "one", f.strings(t, `select key || n from one_v1.entries order by nr`),
		strings.Fields("a1 b2 c3 d4 e5 a1 b2 c3 d4 e5"))
	equal(t, "two", f.strings(t, `select key || n from two_v1.entries order by nr`), strings.Fields("x7 y8 x7 y8"))
	equal(t, "positions", f.strings(t, `select view || partition || ':' || next_offset from projector.positions order by 1`),
		strings.Fields("one0:6 one1:4 one2:0 two0:0 two1:0 two2:4"))
	if xids := f.strings(t, transactions); len(xids) != 2 {
		t.Errorf("the two rounds were the transactions %v, want one each", xids)
	}
}

// heard are the next n notifications, sorted.
func heard(t *testing.T, conn *pgx.Conn, n int) (payloads []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range n {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, notification.Payload)
	}
	slices.Sort(payloads)
	return payloads
}

// transactions are those that have written entries, with how many.
const transactions = `select xmin || ': ' || count(*) from (
	select xmin::text from one_v1.entries union all select xmin::text from two_v1.entries) as written group by xmin`

// A transaction of all that waits is bounded, in records and in bytes: it is
// quick, and what fails takes no more than that along.
func TestTheCompanyOfALaneIsBounded(t *testing.T) {
	t.Parallel()
	const partitions = 40
	for name, c := range map[string]struct{ records, bytes, most int }{
		"records": {150, 1, 1000 + 150},
		"bytes":   {1, 500_000, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLane(t, partitions)
			var moves []projector.Move
			for p := range int32(partitions) {
				moves = append(moves, move("one", p, 0, slices.Repeat([]add{{strings.Repeat("k", c.bytes), 1}}, c.records)...))
			}
			if committed := f.Serve(t.Context(), moves...); slices.Contains(committed, false) {
				t.Errorf("committed are %v, want all", committed)
			}
			sizes := f.strings(t, transactions)
			sum := 0
			for _, s := range sizes {
				var xid, n int
				if _, err := fmt.Sscanf(s, "%d: %d", &xid, &n); err != nil || n > c.most {
					t.Errorf("a transaction has written %s rows, want at most %d", s, c.most)
				}
				sum += n
			}
			if sum != partitions*c.records || len(sizes) > 2+sum/(c.most/2) {
				t.Errorf("%d transactions have written %d rows, want few and %d", len(sizes), sum, partitions*c.records)
			}
		})
	}
}

// One that is not where it believes to be is a zombie, or was committed before;
// one that cannot be applied is somebody's fault. Neither is committed, nor
// what was in its company; and a lane goes on.
func TestALaneCommitsAllOrNothing(t *testing.T) {
	t.Parallel()
	f := newLane(t, 4)
	next, want := map[string]int64{}, 0
	rapid.Check(t, func(r *rapid.T) {
		var moves []projector.Move
		good, records := true, 0
		for _, view := range []string{"one", "two"} {
			for p := range int32(4) {
				at := fmt.Sprint(view, p)
				kind := rapid.SampledFrom([]string{"good", "good", "good", "good", "absent", "absent", "zombie", "ahead", "poison"}).Draw(r, at)
				m := move(view, p, next[at], add{at, 1}, add{at, 2})
				switch kind {
				case "absent":
					continue
				case "zombie":
					m = move(view, p, max(0, next[at]-2), add{at, 1})
					good = good && next[at] == 0
				case "ahead":
					m, good = move(view, p, next[at]+1, add{at, 1}), false
				case "poison":
					m, good = move(view, p, next[at], add{at, -1}), false
				}
				moves, records = append(moves, m), records+len(m.Records)
			}
		}
		if len(moves) == 0 {
			return
		}
		for i, committed := range f.Serve(t.Context(), moves...) {
			if committed != good {
				r.Fatalf("move %d of %v: committed is %t, want %t", i, moves, committed, good)
			}
		}
		if good {
			want += records
			for _, m := range moves {
				next[fmt.Sprint(m.View, m.Partition)] += int64(len(m.Records))
			}
		}
		equal(t, "rows", f.strings(t, `select count(*)::text from (select from one_v1.entries union all select from two_v1.entries) e`),
			[]string{fmt.Sprint(want)})
		for at, offset := range next {
			equal(t, at, f.strings(t, `select next_offset::text from projector.positions where view || partition = '`+at+`'`),
				[]string{fmt.Sprint(offset)})
		}
	})
}

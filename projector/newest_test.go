package projector_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/projector"
)

// lamp is a state; which one is told apart by its number.
type lamp struct{ n int }

// Whatever comes again, and in whatever order, the rows are the newest snapshots
// of all.
func TestSnapshotsNeverSetARowBack(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	if _, err := pool.Exec(t.Context(), `create table lamps
		(id text primary key, version bigint not null, revision integer not null, n bigint not null)`); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		written := rapid.SliceOfN(drawSnapshot(), 1, 12).Draw(rt, "written")
		for i := range written {
			written[i].State.n = i
		}
		// What differs in content differs in version or revision.
		written = slices.CompactFunc(slices.SortedFunc(slices.Values(written), order), func(a, b eventim.Snapshot[lamp]) bool { return order(a, b) == 0 })
		comes := rapid.Permutation(append(slices.Clone(written), rapid.SliceOf(rapid.SampledFrom(written)).Draw(rt, "again")...)).Draw(rt, "order")
		if _, err := pool.Exec(t.Context(), `truncate lamps`); err != nil {
			rt.Fatal(err)
		}
		for batch := range slices.Chunk(comes, rapid.IntRange(1, 5).Draw(rt, "batch")) {
			writeLamps(t, pool, batch)
		}
		want := map[string]int{}
		for _, s := range written { // in the order of their age
			want[s.Aggregate] = s.State.n
		}
		got := lamps(t, pool)
		for id, n := range want {
			if got[id] != n || len(got) != len(want) {
				rt.Fatalf("the rows are %v, want %v", got, want)
			}
		}
	})
}

func drawSnapshot() *rapid.Generator[eventim.Snapshot[lamp]] {
	return rapid.Custom(func(t *rapid.T) eventim.Snapshot[lamp] {
		return eventim.Snapshot[lamp]{
			Aggregate: strconv.Itoa(rapid.IntRange(1, 3).Draw(t, "aggregate")),
			Version:   rapid.Int64Range(1, 4).Draw(t, "version"),
			Revision:  rapid.IntRange(1, 3).Draw(t, "revision"),
		}
	})
}

func order(a, b eventim.Snapshot[lamp]) int {
	return slices.Compare([]int{int(a.Version), a.Revision, int(a.Aggregate[0])}, []int{int(b.Version), b.Revision, int(b.Aggregate[0])})
}

// writeLamps is a Write as authors write it: one statement for a batch.
func writeLamps(t *testing.T, pool *pgxpool.Pool, batch []eventim.Snapshot[lamp]) {
	t.Helper()
	var ids []string
	var versions, numbers []int64
	var revisions []int32
	for _, s := range projector.Newest(batch) {
		ids, versions = append(ids, s.Aggregate), append(versions, s.Version)
		revisions, numbers = append(revisions, int32(s.Revision)), append(numbers, int64(s.State.n))
	}
	_, err := pool.Exec(t.Context(), `insert into lamps as l
		select * from unnest($1::text[], $2::bigint[], $3::integer[], $4::bigint[])
		on conflict (id) do update set version = excluded.version, revision = excluded.revision, n = excluded.n
		where `+projector.Newer("l"), ids, versions, revisions, numbers)
	if err != nil {
		t.Fatal(err)
	}
}

func lamps(t *testing.T, pool *pgxpool.Pool) map[string]int {
	t.Helper()
	rows, err := pool.Query(t.Context(), `select id, n from lamps`)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	var id string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		found[id] = n
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNewestLeavesTheBatchAsItIs(t *testing.T) {
	t.Parallel()
	batch := []eventim.Snapshot[lamp]{{Aggregate: "a", Version: 1}, {Aggregate: "b", Version: 1}, {Aggregate: "a", Version: 2}}
	before := slices.Clone(batch)
	got := projector.Newest(batch)
	if !slices.Equal(batch, before) || !slices.Equal(got, []eventim.Snapshot[lamp]{batch[2], batch[1]}) {
		t.Errorf("got %v of %v, which was %v", got, batch, before)
	}
}

package projector_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/projector"
)

// keyed is the view of counters, whose rows name the key that they come from.
func (f *fixture) keyed() projector.Projection[add] {
	view := f.queued()
	view.Key = "key"
	return view
}

func (f *fixture) rebuilds() projector.Rebuilds { return projector.NewRebuilds(f.pool) }

func (f *fixture) startRebuild(t *testing.T, o projector.RebuildOptions) int {
	t.Helper()
	id, err := f.rebuilds().Start(t.Context(), "counters", o)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// awaitRebuild waits until something holds of the rebuild.
func (f *fixture) awaitRebuild(t *testing.T, what string, holds func(projector.Rebuild) bool) (found projector.Rebuild) {
	t.Helper()
	eventually(t, func() (err error) {
		found, err = f.rebuilds().Find(t.Context(), "counters")
		if err == nil && !holds(found) {
			err = fmt.Errorf("the rebuild is %+v, want: %s", found, what)
		}
		return err
	})
	return found
}

func compared(r projector.Rebuild) bool { return r.Comparison != nil }

func nobody(r projector.Rebuild) bool {
	return !slices.ContainsFunc(r.Partitions, func(p projector.RebuildPartition) bool { return p.Worker != "" })
}

// records are those that a rebuild has applied, and those that it will have.
func records(r projector.Rebuild) (done, all int64) {
	for _, p := range r.Partitions {
		done, all = done+p.Next-p.Start, all+p.Target-p.Start
	}
	return done, all
}

// rowsIn are the rows of one schema, as Postgres writes them.
func (f *fixture) rowsIn(t *testing.T, schema string) []string {
	t.Helper()
	rows, err := f.pool.Query(t.Context(), `select t::text from `+schema+`.counters t order by 1`) //nolint:gosec // a test
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func (f *fixture) set(t *testing.T, sql string) {
	t.Helper()
	if _, err := f.pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// Two processes share a rebuild. Both are killed in the middle of it, while
// records come, and a third one finishes it.
func TestARebuildThatIsKilledEndsEqual(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publishMany(t, 900)
	first, second := f.startChild(t), f.startChild(t)
	f.awaitFold(t)
	id := f.startRebuild(t, projector.RebuildOptions{Rate: 10})
	f.awaitRebuild(t, "two processes at work", func(r projector.Rebuild) bool {
		workers := map[string]bool{}
		for _, p := range r.Partitions {
			workers[p.Worker] = p.Rate > 0
		}
		return len(workers) == 2 && !workers[""]
	})
	first.End(t, os.Kill)
	f.publishMany(t, 100)
	before, _ := records(f.awaitRebuild(t, "a part", func(projector.Rebuild) bool { return true }))
	at := f.awaitRebuild(t, "more of it", func(r projector.Rebuild) bool { done, _ := records(r); return done > before })
	if done, all := records(at); at.State != projector.RebuildBuilding || done >= all {
		t.Fatalf("it is %s at %d of %d, want it in the middle", at.State, done, all)
	}
	second.End(t, os.Kill)
	if err := f.rebuilds().Slow(t.Context(), "counters", 0); err != nil {
		t.Fatal(err)
	}
	f.startChild(t)
	found := f.awaitRebuild(t, "compared", compared)
	if !found.Comparison.Equal() || found.State != projector.RebuildBuilt {
		t.Errorf("it is %s, and compared: %+v", found.State, found.Comparison)
	}
	f.awaitFold(t)
	if _, err := f.rebuilds().Compare(t.Context(), "counters"); err != nil {
		t.Fatal(err)
	}
	if live, built := f.rowsIn(t, "counters_v1"), f.rowsIn(t, fmt.Sprintf("counters_r%d", id)); !slices.Equal(live, built) || len(live) != len(f.fold) {
		t.Errorf("live are %v, built are %v", live, built)
	}
}

// Somebody reads all the time, and records come all the time, while a rebuild is
// swapped, rolled back, swapped again, and what was before is dropped.
func TestReadersSeeNoFailureWhileRowsAreExchanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publishMany(t, 200)
	p, _ := start(t, f.pool, f.config(), f.keyed(), entries("company", f.topic))
	f.awaitFold(t)
	f.set(t, `update counters_v1.counters set n = n + 1000000 where key = 'key-1'`)
	id := f.startRebuild(t, projector.RebuildOptions{})
	f.awaitRebuild(t, "compared", compared)

	ctx, stop := context.WithCancel(t.Context())
	read := make(chan error, 1)
	var reads atomic.Int64
	go func() { read <- f.readForward(ctx, &reads) }()
	show := func(what string, change func() error, wrong int64) {
		t.Helper()
		seen := reads.Load()
		f.publish(t, 0, add{"flow", 1})
		if err := change(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		f.publish(t, 0, add{"flow", 1})
		f.fold["key-1"] += wrong
		f.awaitFold(t)
		f.fold["key-1"] -= wrong
		eventually(t, func() error {
			if reads.Load() < seen+20 {
				return errNotYet
			}
			return nil
		})
	}
	swap := func() error { return f.rebuilds().Swap(t.Context(), "counters", true) }
	show("swap", swap, 0)
	var since time.Time // a report that began before the swap may come after it, and no second one
	for range 2 {
		since = reported(f.awaitRebuild(t, "the rows of before follow", func(r projector.Rebuild) bool {
			return r.SwappedAt != nil && reported(r).After(*r.SwappedAt) && reported(r).After(since)
		}))
	}
	show("roll back", func() error { return f.rebuilds().Rollback(t.Context(), "counters") }, 1000000)
	show("swap again", swap, 0)
	show("drop what was before", func() error { return f.rebuilds().Cancel(t.Context(), "counters") }, 0)
	stop()
	if err := <-read; err != nil {
		t.Errorf("a reader has seen: %v", err)
	}
	if found := f.awaitRebuild(t, "done", func(r projector.Rebuild) bool { return r.State == projector.RebuildDone }); found.EndedAt == nil {
		t.Errorf("it has no end: %+v", found)
	}
	if exists(t, f, fmt.Sprintf("counters_r%d", id)) == nil {
		t.Error("the rows of before are still there")
	}
	if stopped := stoppedAt(p); len(stopped) > 0 {
		t.Errorf("stopped are %+v", stopped)
	}
}

// reported is when each partition was last said to be applied by somebody: the zero time
// if one is not.
func reported(r projector.Rebuild) (at time.Time) {
	for _, p := range r.Partitions {
		if p.Worker == "" || p.ReportedAt == nil {
			return time.Time{}
		}
		if at.IsZero() || p.ReportedAt.Before(at) {
			at = *p.ReportedAt
		}
	}
	return at
}

// readForward reads until ctx ends. What it reads never fails, and never goes
// back in time.
func (f *fixture) readForward(ctx context.Context, reads *atomic.Int64) error {
	for last := int64(0); ; reads.Add(1) {
		var n int64
		err := f.pool.QueryRow(ctx, `select coalesce(sum(n) filter (where key = 'flow'), 0)::bigint from counters`).Scan(&n)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case n < last:
			return fmt.Errorf("it went back from %d to %d", last, n)
		}
		last = n
	}
}

func TestAComparisonFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1}, add{"b", 2}, add{"c", 3})
	start(t, f.pool, f.config(), f.keyed())
	f.awaitFold(t)
	f.set(t, `update counters_v1.counters set n = 7 where key = 'a'; delete from counters_v1.counters where key = 'b';
		insert into counters_v1.counters values ('d', 4)`)
	f.startRebuild(t, projector.RebuildOptions{SwapWhenEqual: true})
	found := f.awaitRebuild(t, "compared", compared)
	want := []projector.RowDifference{
		{Key: "(a)", Live: "(a,7)", Built: "(a,1)"}, {Key: "(b)", Built: "(b,2)"}, {Key: "(d)", Live: "(d,4)"},
	}
	if got := found.Comparison.Tables[0].Differences; !slices.Equal(got, want) {
		t.Errorf("the differences are %+v, want %+v", got, want)
	}
	if err := f.rebuilds().Swap(t.Context(), "counters", false); !errors.Is(err, projector.ErrDiffers) {
		t.Errorf("to swap it gives %v, want that it differs", err)
	}
	f.fold = map[string]int64{"a": 7, "c": 3, "d": 4}
	f.awaitFold(t)
	if err := f.rebuilds().Swap(t.Context(), "counters", true); err != nil {
		t.Fatal(err)
	}
	f.fold = map[string]int64{"a": 1, "b": 2, "c": 3}
	f.awaitFold(t)
}

// A value that differs where the counts are equal is found, and each row is in the
// partition of its key.
func TestAComparisonTellsPartitionsApart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publishMany(t, 100)
	start(t, f.pool, f.config(), f.keyed())
	f.awaitFold(t)
	f.set(t, `update counters_v1.counters set n = n + 1 where key = 'key-5'`)
	f.startRebuild(t, projector.RebuildOptions{})
	found := f.awaitRebuild(t, "compared", compared)
	differing, rows := 0, int64(0)
	for _, p := range found.Comparison.Tables[0].Partitions {
		rows += p.LiveRows
		if p.LiveSum != p.BuiltSum {
			differing++
		}
	}
	if partitions := len(found.Comparison.Tables[0].Partitions); partitions != 3 || differing != 1 || rows != int64(len(f.fold)) || found.Comparison.Equal() {
		t.Errorf("%d of %d partitions differ, of %d rows; want 1 of 3, of %d: %+v", differing, partitions, rows, len(f.fold), found.Comparison)
	}
}

func TestAPausedRebuildStandsStillAndACanceledOneIsGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publishMany(t, 600)
	start(t, f.pool, f.config(), f.keyed())
	f.awaitFold(t)
	id := f.startRebuild(t, projector.RebuildOptions{Rate: 10})
	f.awaitRebuild(t, "a part, and who is at work", func(r projector.Rebuild) bool { done, _ := records(r); return done > 0 && !nobody(r) })
	if err := f.rebuilds().Pause(t.Context(), "counters"); err != nil {
		t.Fatal(err)
	}
	before, all := records(f.awaitRebuild(t, "nobody at work", nobody))
	f.publishMany(t, 50)
	f.awaitFold(t)
	if after, _ := records(f.awaitRebuild(t, "nobody at work", nobody)); after != before || after >= all {
		t.Errorf("it went on from %d to %d of %d", before, after, all)
	}
	if err := f.rebuilds().Resume(t.Context(), "counters"); err != nil {
		t.Fatal(err)
	}
	f.awaitRebuild(t, "more", func(r projector.Rebuild) bool { done, _ := records(r); return done > before })
	if err := f.rebuilds().Cancel(t.Context(), "counters"); err != nil {
		t.Fatal(err)
	}
	if exists(t, f, fmt.Sprintf("counters_r%d", id)) == nil {
		t.Error("what it has built is still there")
	}
	if err := f.rebuilds().Cancel(t.Context(), "counters"); !errors.Is(err, projector.ErrNoRebuild) {
		t.Errorf("to cancel it again gives %v", err)
	}
	f.publishMany(t, 50)
	f.awaitFold(t)
	f.startRebuild(t, projector.RebuildOptions{SwapWhenEqual: true, Grace: time.Second})
	f.awaitRebuild(t, "swapped by itself, and then done", func(r projector.Rebuild) bool { return r.State == projector.RebuildDone })
	f.publishMany(t, 50)
	f.awaitFold(t)
}

// What cannot be built anew says why, and is all that stops.
func TestAFailedRebuildLeavesTheLiveRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1}, add{"b", 2})
	var broken atomic.Bool
	view := f.keyed()
	view.Queue, view.Write = nil, func(ctx context.Context, tx pgx.Tx, batch []add) error {
		var path string
		if err := tx.QueryRow(ctx, `select current_setting('search_path')`).Scan(&path); err != nil {
			return err
		}
		if broken.Load() && strings.Contains(path, "_r") {
			_, err := tx.Exec(ctx, `insert into counters (key) values ('no n')`)
			return err
		}
		return writeCounters(ctx, tx, batch)
	}
	p, _ := start(t, f.pool, f.config(), view)
	f.awaitFold(t)
	broken.Store(true)
	f.startRebuild(t, projector.RebuildOptions{})
	failed := f.awaitRebuild(t, "failed", func(r projector.Rebuild) bool { return r.Error != "" })
	for _, part := range []string{f.topic + " 0:0 cannot be applied to counters_r", "23502", `key "a"`} {
		if !strings.Contains(failed.Error, part) {
			t.Errorf("the error is %s, want it to name %s", failed.Error, part)
		}
	}
	if err := f.rebuilds().Swap(t.Context(), "counters", true); !errors.Is(err, projector.ErrRebuildState) {
		t.Errorf("to swap it gives %v", err)
	}
	f.publish(t, 0, add{"c", 3})
	f.awaitFold(t)
	if stopped := stoppedAt(p); len(stopped) > 0 {
		t.Errorf("stopped are %+v", stopped)
	}
	broken.Store(false)
	if err := f.rebuilds().Resume(t.Context(), "counters"); err != nil {
		t.Fatal(err)
	}
	if found := f.awaitRebuild(t, "compared", compared); !found.Comparison.Equal() {
		t.Errorf("they differ: %+v", found.Comparison)
	}
}

// Postgres itself watches that what is built never passes what is live: else there
// would be no moment at which both can be compared.
func TestARebuildNeverPassesTheLiveRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	start(t, f.pool, f.config(), f.keyed())
	f.awaitFold(t)
	f.set(t, `
		create function watch() returns trigger language plpgsql as $$
		begin
			if new.next_offset > (select next_offset from projector.positions p
				where p.view = new.view and p.version = 1 and p.partition = new.partition) then
				raise check_violation using message = 'it has passed the live rows';
			end if;
			return new;
		end $$;
		create trigger watch before update on projector.positions for each row when (new.version < 0) execute function watch()`)
	f.startRebuild(t, projector.RebuildOptions{})
	f.awaitRebuild(t, "built", compared)
	for round := range 20 {
		f.publishMany(t, 30)
		if round%5 == 0 {
			if found, err := f.rebuilds().Compare(t.Context(), "counters"); err != nil || !found.Equal() {
				t.Errorf("compared: %+v, error %v", found, err)
			}
		}
	}
	f.awaitFold(t)
	if found := f.awaitRebuild(t, "it", compared); found.Error != "" {
		t.Error(found.Error)
	}
}

// A program with a newer version of the view makes a rebuild pointless.
func TestANewVersionEndsARebuild(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publishMany(t, 100)
	start(t, f.pool, f.config(), f.keyed())
	f.awaitFold(t)
	id := f.startRebuild(t, projector.RebuildOptions{Rate: 10})
	f.awaitRebuild(t, "building", func(r projector.Rebuild) bool { return r.State == projector.RebuildBuilding })
	gate := make(chan struct{})
	close(gate)
	start(t, f.pool, f.config(), f.second(gate))
	f.awaitRebuild(t, "canceled", func(r projector.Rebuild) bool { return r.State == projector.RebuildCanceled })
	if exists(t, f, fmt.Sprintf("counters_r%d", id)) == nil {
		t.Error("what it has built is still there")
	}
}

func TestRebuildsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	f.follow(t)
	r := f.rebuilds()
	if _, err := r.Start(t.Context(), "nothing", projector.RebuildOptions{}); !errors.Is(err, projector.ErrUnknownView) {
		t.Errorf("an unknown view gives %v", err)
	}
	if _, err := r.Find(t.Context(), "counters"); !errors.Is(err, projector.ErrNoRebuild) {
		t.Errorf("a view that never was rebuilt gives %v", err)
	}
	f.startRebuild(t, projector.RebuildOptions{}) // no projector runs
	if _, err := r.Start(t.Context(), "counters", projector.RebuildOptions{}); !errors.Is(err, projector.ErrRebuildState) {
		t.Errorf("a second one gives %v", err)
	}
	if _, err := r.Compare(t.Context(), "counters"); !errors.Is(err, projector.ErrRebuildState) {
		t.Errorf("to compare what is not built gives %v", err)
	}
	if err := r.Rollback(t.Context(), "counters"); !errors.Is(err, projector.ErrRebuildState) {
		t.Errorf("to roll back what is not swapped gives %v", err)
	}
	views, err := r.Views(t.Context())
	if err != nil || len(views) != 1 || views[0].Version != 1 || views[0].Records == 0 || views[0].Rebuild.State != projector.RebuildAsked {
		t.Errorf("the views are %+v, error %v", views, err)
	}
	if err := projector.Reanchor(t.Context(), f.pool, "counters"); err != nil {
		t.Fatal(err)
	}
	f.follow(t)
}

package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A stall of two seconds must not change when the commands after it were due.
func TestPaceOmitsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		var due []time.Duration
		var latest time.Duration
		pace(ctx, 100, func(at time.Time) {
			if len(due) == 300 {
				time.Sleep(2 * time.Second)
			}
			due = append(due, at.Sub(start))
			latest = max(latest, time.Since(at))
		})
		if len(due) < 1000 || len(due) > 1001 {
			t.Fatalf("got %d commands in 10 s, want 1000", len(due))
		}
		for i, d := range due {
			if want := time.Duration(i) * 10 * time.Millisecond; d != want {
				t.Fatalf("command %d was due after %s, want %s", i, d, want)
			}
		}
		if latest != 2*time.Second {
			t.Errorf("the latest command was %s late, want 2s", latest)
		}
	})
}

func TestJournalCountsFromTheIntendedTime(t *testing.T) {
	t.Parallel()
	j := newJournal()
	at := time.Now()
	early := j.next(at)
	j.begin()
	first, second := j.next(at), j.next(at.Add(time.Second))
	for _, seq := range []int{early, first, second} {
		if !j.answer(seq, 3, at.Add(3*time.Second)) {
			t.Errorf("the first answer to %d does not count", seq)
		}
	}
	if j.answer(second, 3, at.Add(4*time.Second)) {
		t.Error("a repeated answer counts")
	}
	if got := j.repeated.Load(); got != 1 {
		t.Errorf("got %d repeated answers, want 1", got)
	}
	if got := j.outstanding(); got != 0 {
		t.Errorf("got %d outstanding commands, want 0", got)
	}
	l := latencyOf(j.phase.latency)
	if near := func(got, want float64) bool { return got > want*0.999 && got < want*1.001 }; !near(l.Max, 3000) || !near(l.P50, 2000) {
		t.Errorf("got p50 %v ms and max %v ms, want 2000 and 3000", l.P50, l.Max)
	}
	if j.phase.answered != 2 {
		t.Errorf("got %d answers in the phase, want 2: what was sent before does not count", j.phase.answered)
	}
}

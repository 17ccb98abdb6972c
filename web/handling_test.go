package web

import (
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// What waits is told when nothing has moved for a while, and there is a command:
// markers behind the last one are none.
func TestHandlingTellsWhatWaits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := &handling{now: func() time.Time { return now }}
	there := true
	see := func(handled, end int64) Handling {
		t.Helper()
		err := h.see([]eventim.Backlog{{Partition: 3, Handled: handled, End: end}}, func(eventim.Backlog) (bool, error) { return there, nil })
		if err != nil {
			t.Fatal(err)
		}
		h.tell(true)
		return h.report()
	}
	if r := h.report(); r.State != "unknown" {
		t.Errorf("at first: %+v, want unknown", r)
	}
	if r := see(7, 9); r.State != "ok" {
		t.Errorf("commands that have just come: %+v, want ok", r)
	}
	began := now
	now = now.Add(stalledAfter)
	if r := see(7, 12); r.State != "stalled" || len(r.Partitions) != 1 || r.Partitions[0] != (Stalled{3, 7, 5, began}) {
		t.Errorf("commands that wait: %+v, want partition 3 stalled at 7 since %v", r, began)
	}
	if r := see(8, 12); r.State != "ok" {
		t.Errorf("one was finished: %+v, want ok", r)
	}
	now = now.Add(stalledAfter)
	there = false
	if r := see(8, 12); r.State != "ok" {
		t.Errorf("markers only: %+v, want ok", r)
	}
	now = now.Add(time.Hour)
	see(8, 12)
	now = now.Add(stalledAfter - time.Second)
	see(8, 12)
	now = now.Add(2 * time.Second) // long enough, and nobody has looked yet
	if r := h.report(); r.State != "ok" {
		t.Errorf("markers only, between two looks: %+v, want ok", r)
	}
	h.tell(false)
	if r := h.report(); r.State != "unknown" {
		t.Errorf("without Kafka: %+v, want unknown", r)
	}
}

package task

import "testing"

// A stretch is done when what was read of it is in the store, and not when the
// last of it has been read.
func TestDoneIsReportedLast(t *testing.T) {
	t.Parallel()
	var reported []Progress
	m := NewMeter("jar", "jar-snapshots", 0, 10, 30, func(p Progress) { reported = append(reported, p) })
	m.Advance(20)
	m.Advance(30)
	for _, p := range reported {
		if p.Position >= p.End {
			t.Errorf("reported %+v, and nothing is in the store", p)
		}
	}
	m.Done(31)
	if n := len(reported); n == 0 || reported[n-1].Position < 30 {
		t.Errorf("reported %+v, and nothing as done", reported)
	}
}

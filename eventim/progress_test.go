package eventim

import "testing"

// A stretch is done when what was read of it is in the store, and not when the
// last of it has been read.
func TestDoneIsReportedLast(t *testing.T) {
	t.Parallel()
	var reported []RestoreProgress
	m := newMeter("jar", "jar-snapshots", 0, 10, 30, func(p RestoreProgress) { reported = append(reported, p) })
	m.advance(20)
	m.advance(30)
	for _, p := range reported {
		if p.Done() {
			t.Errorf("reported %+v, and nothing is in the store", p)
		}
	}
	m.done(31)
	if n := len(reported); n == 0 || !reported[n-1].Done() {
		t.Errorf("reported %+v, and nothing as done", reported)
	}
}

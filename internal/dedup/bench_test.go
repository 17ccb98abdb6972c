package dedup

import (
	"testing"
	"time"

	"github.com/eventim-go/eventim/internal/statestore"
)

// BenchmarkGet looks up commands that are new and commands that are known, a
// million of which fill a window.
func BenchmarkGet(b *testing.B) {
	const n = 1_000_000
	o := options
	s, err := statestore.Create(b.TempDir(), identity, o, false)
	if err != nil {
		b.Fatal(err)
	}
	w, err := Open(s, 24*time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	ids := numbered(0, 2*n)
	write := s.Begin(0)
	for i, id := range ids[:n] {
		w.Put(write, id, Entry{Time: (24 * time.Hour).Milliseconds() * int64(i) / n, Version: 1, Offset: int64(i), Size: 1000})
	}
	if err := write.Commit(); err != nil {
		b.Fatal(err)
	}
	for name, some := range map[string][]ID{"new": ids[n:], "known": ids[:n]} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, _, err := w.Get(some[i*7919%n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

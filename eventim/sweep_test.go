package eventim

import (
	"fmt"
	"testing"
	"time"
)

// left counts the answers in a store.
func left(t *testing.T, s *tables, commands int) (n int) {
	t.Helper()
	for i := range commands {
		_, found, err := s.answer(commandKey{"a", fmt.Sprint("c", i)})
		if err != nil {
			t.Fatal(err)
		}
		if found {
			n++
		}
	}
	return n
}

// What is out of the window is forgotten, however much it is, with the next batch;
// what is not, stays, and so does what shares its bucket.
func TestAnswersAreForgotten(t *testing.T) {
	t.Parallel()
	const old, young = 2000, 100
	w := alone(t)
	now := time.Now()
	outdated := now.Add(-w.agg.Deduplication - w.agg.Deduplication/8 - time.Minute)
	write := w.store.write()
	for i := range old + young {
		at := outdated.Add(-time.Duration(i) * time.Millisecond)
		if i >= old {
			at = now.Add(time.Duration(old-i) * w.agg.Deduplication / young)
		}
		write.setAnswer(commandKey{"a", fmt.Sprint("c", i)}, answer{time: at.UnixMilli()})
	}
	if err := write.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := left(t, w.store, old+young); n != old+young {
		t.Fatalf("%d answers were kept, want %d", n, old+young)
	}
	for offset := range int64(2) {
		commits(t, w, garbled(1, offset))
	}
	if n := left(t, w.store, old+young); n != young {
		t.Errorf("%d answers are left, want the %d that are in the window", n, young)
	}
}

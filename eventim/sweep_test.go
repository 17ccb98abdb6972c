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

// What is out of the window is forgotten by and by: a batch forgets about as
// much as it handles, and the batches behind it do not wait for thousands.
func TestAnswersAreForgottenByAndBy(t *testing.T) {
	t.Parallel()
	const old, young = 2000, 100
	w := alone(t)
	outdated := time.Now().Add(-w.agg.Deduplication - time.Hour)
	write := w.store.write()
	for i := range old + young {
		at := outdated.Add(time.Duration(i) * time.Millisecond)
		if i >= old {
			at = time.Now()
		}
		write.setAnswer(commandKey{"a", fmt.Sprint("c", i)}, answer{time: at.UnixMilli()})
	}
	if err := write.Commit(); err != nil {
		t.Fatal(err)
	}
	before := left(t, w.store, old+young)
	for offset := int64(0); offset < 40*64; offset += 64 {
		most := max(2*commits(t, w, garbled(64, offset)), sweepLeast)
		n := left(t, w.store, old+young)
		if before-n > most {
			t.Fatalf("a batch has forgotten %d answers, want %d at most", before-n, most)
		}
		before = n
	}
	if before != young {
		t.Errorf("%d answers are left, want the %d that are in the window", before, young)
	}
}

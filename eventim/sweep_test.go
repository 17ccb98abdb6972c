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
	w, batches := committing(t)
	outdated := time.Now().Add(-w.agg.Deduplication - time.Hour)
	write := w.store.write(0)
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
		if err := w.process(t.Context(), garbled(64, offset)); err != nil {
			t.Fatal(err)
		}
		most := 0
		for _, records := range *batches { // of which each command has two; one batch, unless deciding takes long
			most += max(records, sweepLeast)
		}
		n := left(t, w.store, old+young)
		if before-n > most {
			t.Fatalf("batches with %v records have forgotten %d answers, want %d at most", *batches, before-n, most)
		}
		before, *batches = n, nil
	}
	if before != young {
		t.Errorf("%d answers are left, want the %d that are in the window", before, young)
	}
}

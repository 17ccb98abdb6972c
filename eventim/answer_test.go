package eventim

import (
	"testing"
	"time"
)

// What is restored is what was remembered: the first answers to commands that
// can be repeated. The others may stand beside one, under the same id, in a topic
// whose partitions were copied together.
func TestAnswersThatAreRestored(t *testing.T) {
	t.Parallel()
	a := ticker()
	a.Partitions = 2
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first := tickRecord(t, a, "c", at)
	again, broken, foreign, anonymous := first, first, first, first
	foreign.Key = []byte("f") // of partition 1
	broken.Headers, broken.Value = replaced(first.Headers, headerID, "d"), []byte("{")
	anonymous.Headers, anonymous.Value = replaced(first.Headers, headerID, ""), []byte("{")
	for i, rec := range []*Record{&first, &again, &broken, &foreign, &anonymous} {
		rec.Position = Position{0, int64(i)}
	}
	restored := map[commandKey]int64{}
	for _, m := range decided(t, a, maxOutputBytes, first, again, broken, foreign, anonymous) {
		if m.Topic != a.Topics().Results {
			continue
		}
		rec := written(t, m)
		rec.Time = at
		command, answer, ok, err := answerOf(a.Topics().Commands, rec)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			restored[command] = answer.version
		}
	}
	want := map[commandKey]int64{{"a", "c"}: 1, {"a", "d"}: 1}
	if len(restored) != 2 || restored[commandKey{"a", "c"}] != 1 || restored[commandKey{"a", "d"}] != 1 {
		t.Errorf("restored %v, want %v", restored, want)
	}
}

package eventim

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/dedup"
)

// alike makes two commands of one id that ask for different things, which the store
// alone cannot tell apart.
func alike(t *testing.T, a *Aggregate[ticks, tick, tick]) (first, second Record) {
	t.Helper()
	first = tickRecord(t, a, "c", time.UnixMilli(1_700_000_000_000))
	second = first
	seen := map[dedup.Check][]byte{}
	for n := 1; ; n++ {
		second.Value = fmt.Appendf(nil, `{"N":%d}`, n)
		check := digestOf(second).check()
		if value, found := seen[check]; found {
			first.Value = value
			second.Position.Offset++
			return first, second
		}
		seen[check] = second.Value
	}
}

// A command under a known id that asks for something else does not get the answer of
// the first, however much alike their digests are, be that answer in its batch or in
// the topic.
func TestReusedIDsWithLikeDigests(t *testing.T) {
	t.Parallel()
	a := ticker()
	first, second := alike(t, a)
	if digestOf(first) == digestOf(second) {
		t.Fatal("they ask for the same")
	}
	records := decided(t, a, maxOutputBytes, first, second)
	wantReused(t, a, records)

	result := written(t, records[0])
	command, known, _, err := answerOf(a.Topics().Commands, result)
	if err != nil {
		t.Fatal(err)
	}
	b := batchOf(a, maxOutputBytes, second.Time)
	b.answer = func(k commandKey) (answer, bool, error) { return known, k == command, nil }
	b.results = func(offsets []int64) (map[int64]writtenResult, error) {
		return map[int64]writtenResult{offsets[0]: writtenFrom(result)}, nil
	}
	if err := b.add(second); err != nil {
		t.Fatal(err)
	}
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	wantReused(t, a, b.Commit().Records)
}

// wantReused wants the last result to say that its id was used before.
func wantReused(t *testing.T, a *Aggregate[ticks, tick, tick], records []*sarama.ProducerMessage) {
	t.Helper()
	var last Result[ticks, tick]
	for _, m := range records {
		if m.Topic != a.Topics().Results {
			continue
		}
		var err error
		if last, err = a.decodeResult(written(t, m)); err != nil {
			t.Fatal(err)
		}
	}
	if last.Rejection == nil || last.Rejection.Code != CodeCommandIDReused {
		t.Errorf("the second command got %+v, want the code %s", last, CodeCommandIDReused)
	}
}

package devbroker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func TestRepairEndsOpenTransactions(t *testing.T) {
	t.Parallel()
	const producer, other = 7, 8
	begun := intent{ProducerID: producer, Epoch: 3, Before: 0}
	for name, test := range map[string]struct {
		intent    *intent
		epoch     int16 // of the producer's open batch
		ended     bool  // the producers' log says that the commit is done
		committed bool
	}{
		"no commit was begun":          {epoch: 3},
		"the commit was begun":         {intent: &begun, epoch: 3, committed: true},
		"the commit was done":          {intent: &begun, epoch: 3, ended: true},
		"the commit was of the past":   {intent: &begun, epoch: 4},
		"the commit was another's":     {intent: &intent{ProducerID: other, Epoch: 3}, epoch: 3},
		"the intent is of a new epoch": {intent: &intent{ProducerID: producer, Epoch: 4}, epoch: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			partition := writePartition(t, dir, dataBatch(0, producer, test.epoch, true))
			entries := []producerEntry{{Type: "init", ID: producer, Epoch: 3, TxnID: "app"}}
			if test.ended {
				entries = append(entries, producerEntry{Type: "endtx", ID: producer, Epoch: 3, Commit: new(true)})
			}
			writeLog(t, filepath.Join(dir, producersLog), entries)
			if test.intent != nil {
				writeIntent(t, filepath.Join(dir, intentFile), *test.intent)
			}

			done, err := repair(dir, filepath.Join(dir, intentFile))
			if err != nil {
				t.Fatal(err)
			}
			if (done.committed == 1) != test.committed || done.committed+done.aborted != 1 {
				t.Errorf("repair: got %+v, want committed = %v", done, test.committed)
			}
			got := readBatches(t, partition)
			if len(got) != 2 || !got[1].isControl() || got[1].offset != 2 || got[1].producerID != producer || got[1].epoch != test.epoch {
				t.Errorf("batches: got %+v, want the records and a marker of the same producer", got)
			}
			assertIndexed(t, partition)
		})
	}
}

func TestRepairLeavesEndedTransactionsAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	partition := writePartition(t, dir,
		dataBatch(0, 7, 1, true), endMarker(2, 0, 7, 1, true, time.Now()), dataBatch(3, -1, -1, false))
	done, err := repair(dir, filepath.Join(dir, intentFile))
	if err != nil {
		t.Fatal(err)
	}
	if done.aborted+done.committed != 0 || len(readBatches(t, partition)) != 3 {
		t.Errorf("repair: got %+v and %d batches, want nothing to do", done, len(readBatches(t, partition)))
	}
}

func TestRepairCommitsTheOffsetsOfAnUnfinishedCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeLog(t, filepath.Join(dir, producersLog), []producerEntry{{Type: "init", ID: 7, Epoch: 1, TxnID: "app"}})
	writeLog(t, filepath.Join(dir, groupsLog), []commitEntry{{Type: "commit", Group: "g", Topic: "in", Offset: 5}})
	writeIntent(t, filepath.Join(dir, intentFile), intent{
		ProducerID: 7, Epoch: 1,
		Offsets: []groupOffset{{Group: "g", Topic: "in", Offset: 6, Metadata: new("m")}},
	})
	if _, err := repair(dir, filepath.Join(dir, intentFile)); err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, e := range readLog[commitEntry](t, filepath.Join(dir, groupsLog)) {
		got = append(got, e.Offset)
	}
	if want := []int64{5, 6}; !slices.Equal(got, want) {
		t.Errorf("committed offsets: got %v, want %v", got, want)
	}
}

func TestRepairFencesEveryTransactionalProducer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, producersLog)
	writeLog(t, path, []producerEntry{
		{Type: "init", ID: 1, Epoch: 0, TxnID: "a", Timeout: 1000},
		{Type: "init", ID: 2, Epoch: 0}, // idempotent only
		{Type: "timeout", ID: 1, Epoch: 1},
	})
	appendRaw(t, path, []byte("torn"))
	if _, err := repair(dir, filepath.Join(dir, intentFile)); err != nil {
		t.Fatal(err)
	}
	entries := readLog[producerEntry](t, path)
	last := entries[len(entries)-1]
	if len(entries) != 4 || last.ID != 1 || last.Epoch != 2 || last.TxnID != "a" || last.Timeout != 1000 {
		t.Errorf("producers: got %+v, want one more entry that raises the epoch of a to 2", entries)
	}
}

func TestRepairCutsATornBatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := dataBatch(0, -1, -1, false)
	partition := writePartition(t, dir, whole, dataBatch(2, -1, -1, false)[:70])
	done, err := repair(dir, filepath.Join(dir, intentFile))
	if err != nil {
		t.Fatal(err)
	}
	if size, _ := fileSize(segmentFile(partition, 0)); done.truncated != 1 || size != int64(len(whole)) {
		t.Errorf("repair: got %+v and %d bytes, want %d", done, size, len(whole))
	}
	assertIndexed(t, partition)
}

// A repair that is killed at any point and run again ends in the same state.
func TestRepairIsIdempotent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	partition := writePartition(t, dir, dataBatch(0, 7, 1, true), dataBatch(2, 8, 0, true))
	path := filepath.Join(dir, intentFile)
	writeLog(t, filepath.Join(dir, producersLog), []producerEntry{
		{Type: "init", ID: 7, Epoch: 1, TxnID: "a"}, {Type: "init", ID: 8, Epoch: 0, TxnID: "b"},
	})
	in := intent{ProducerID: 7, Epoch: 1, Offsets: []groupOffset{{Group: "g", Topic: "in", Offset: 6}}}
	for range 3 {
		writeIntent(t, path, in) // as if the last step had not been reached
		if _, err := repair(dir, path); err != nil {
			t.Fatal(err)
		}
		if got := readBatches(t, partition); len(got) != 4 {
			t.Fatalf("got %d batches, want the two and their markers", len(got))
		}
	}
	if got := readLog[commitEntry](t, filepath.Join(dir, groupsLog)); len(got) != 1 {
		t.Errorf("got %d committed offsets, want 1", len(got))
	}
}

func TestTornIntentIsNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), intentFile)
	if err := os.WriteFile(path, []byte(`{"producer_id":7,"epo`), 0o600); err != nil {
		t.Fatal(err)
	}
	if in, err := readIntent(path); in != nil || err != nil {
		t.Errorf("readIntent: got %+v, %v, want none", in, err)
	}
}

func TestStateLogKeepsWhatPrecedesDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, "log")
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		epochs := rapid.SliceOfN(rapid.Int16Range(0, 100), 1, 10).Draw(t, "epochs")
		var ends []int64
		for _, epoch := range epochs {
			if err := appendStateLog(path, []producerEntry{{Type: "init", Epoch: epoch}}); err != nil {
				t.Fatal(err)
			}
			size, err := fileSize(path)
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, size)
		}
		cut := rapid.Int64Range(0, ends[len(ends)-1]).Draw(t, "cut")
		if err := os.Truncate(path, cut); err != nil {
			t.Fatal(err)
		}
		var want int
		for _, end := range ends {
			if end <= cut {
				want++
			}
		}
		var got int
		if _, err := readStateLog(path, func(int64, []byte) error { got++; return nil }); err != nil || got != want {
			t.Fatalf("after a cut at %d of %v: got %d entries, %v, want %d", cut, ends, got, err, want)
		}
	})
}

// dataBatch is a batch of two records.
func dataBatch(offset, producer int64, epoch int16, inTransaction bool) []byte {
	raw := endMarker(offset, 0, producer, epoch, false, time.Now())
	var b kmsg.RecordBatch
	if err := b.ReadFrom(raw); err != nil {
		panic(err)
	}
	b.Attributes = 0
	if inTransaction {
		b.Attributes = transactional
	}
	b.LastOffsetDelta, b.NumRecords = 1, 2
	b.Records = append(b.Records, b.Records...)
	return seal(b.AppendTo(nil))
}

func writePartition(t *testing.T, logDir string, batches ...[]byte) string {
	t.Helper()
	dir := filepath.Join(logDir, "partitions", "topic-0")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segmentFile(dir, 0), slices.Concat(batches...), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readBatches(t *testing.T, dir string) []batch {
	t.Helper()
	raw, err := os.ReadFile(segmentFile(dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	var batches []batch
	for len(raw) > 0 {
		b, ok := decodeBatch(raw)
		if !ok {
			t.Fatalf("the segment is damaged after %d batches", len(batches))
		}
		batches = append(batches, b)
		raw = raw[b.size:]
	}
	return batches
}

func assertIndexed(t *testing.T, dir string) {
	t.Helper()
	var want []byte
	for _, b := range readBatches(t, dir) {
		want = append(want, b.index()...)
	}
	got, err := os.ReadFile(indexFile(dir, 0))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("index: got %x, %v, want %x", got, err, want)
	}
}

func writeIntent(t *testing.T, path string, in intent) {
	t.Helper()
	line, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, line, 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeLog[E any](t *testing.T, path string, entries []E) {
	t.Helper()
	if err := appendStateLog(path, entries); err != nil {
		t.Fatal(err)
	}
}

func readLog[E any](t *testing.T, path string) []E {
	t.Helper()
	var entries []E
	_, err := readStateLog(path, func(_ int64, content []byte) error {
		var e E
		entries = append(entries, e)
		return json.Unmarshal(content, &entries[len(entries)-1])
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func appendRaw(t *testing.T, path string, content []byte) {
	t.Helper()
	size, err := fileSize(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeAt(path, size, content); err != nil {
		t.Fatal(err)
	}
}

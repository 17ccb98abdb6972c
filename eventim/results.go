package eventim

import (
	"bytes"
	"errors"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// resultGap is up to how many results that nobody wants are read for one behind
// them: about as many as come with it when it is read alone.
const resultGap = 500

const resultFetchBytes = 64 << 10 // of a result with a few others behind it

// writtenResult is a result as it was written, and the digest of its command.
type writtenResult struct {
	digest commandDigest
	value  []byte
}

// writtenFrom copies the value of r, which may be part of a whole record batch.
func writtenFrom(r Record) writtenResult {
	return writtenResult{parseDigest([]byte(r.Header(headerCommandDigest))), bytes.Clone(r.Value)}
}

// results reads results that were written before, by offset; the offsets are
// sorted. What the topic does not keep any more is missing.
func (w *worker[S, C, E]) results(offsets []int64) (map[int64]writtenResult, error) {
	results := make(map[int64]writtenResult, len(offsets))
	for len(offsets) > 0 && offsets[0] < 0 { // with a topic that is gone, see forgetResults
		offsets = offsets[1:]
	}
	for len(offsets) > 0 {
		n := stretchOf(offsets)
		err := w.readResults(offsets[:n], results)
		if errors.Is(err, sarama.ErrOffsetOutOfRange) {
			n, err = w.goneResults(offsets[:n])
		}
		if err != nil {
			return nil, err
		}
		offsets = offsets[n:]
	}
	return results, nil
}

// stretchOf returns how many of the offsets are close enough to be read as one
// stretch.
func stretchOf(offsets []int64) int {
	n := 1
	for n < len(offsets) && offsets[n]-offsets[n-1] <= resultGap {
		n++
	}
	return n
}

// readResults reads one stretch.
func (w *worker[S, C, E]) readResults(wanted []int64, results map[int64]writtenResult) error {
	topic := w.agg.Topics().Results
	reader := kafkalog.Reader{
		Client: w.Restorer.Client, Topic: topic, Partition: w.Partition,
		Stalled: w.Restorer.Fencer.StalledAt(w.Partition, topic),
	}
	if len(wanted) == 1 {
		reader.FetchBytes = resultFetchBytes
	}
	errRead := errors.New("read them all")
	_, err := reader.Read(w.Context(), wanted[0], wanted[len(wanted)-1]+1, func(b *sarama.RecordBatch, r *sarama.Record) error {
		offset := b.FirstOffset + r.OffsetDelta
		for len(wanted) > 0 && wanted[0] < offset { // it is no result, or not any more
			wanted = wanted[1:]
		}
		if len(wanted) > 0 && wanted[0] == offset {
			results[offset] = writtenFrom(recordOf(topic, w.Partition, b, r))
			wanted = wanted[1:]
		}
		if len(wanted) == 0 {
			return errRead
		}
		return nil
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return err
}

// goneResults returns how many of the offsets are out of range: the first, and
// those that lie below what the topic keeps.
func (w *worker[S, C, E]) goneResults(offsets []int64) (int, error) {
	start, err := kafkalog.Offset(w.Context(), w.Restorer.Client, w.agg.Topics().Results, w.Partition, sarama.OffsetOldest)
	if err != nil {
		return 0, err
	}
	for n, offset := range offsets {
		if n > 0 && offset >= start {
			return n, nil
		}
	}
	return len(offsets), nil
}

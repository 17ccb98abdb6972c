package kafkalog

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// ErrFound ends reading at the first record.
var ErrFound = errors.New("found a record")

// Offset returns the first (OffsetOldest) or the next (OffsetNewest)
// offset of a partition, the latter as the high watermark.
func Offset(ctx context.Context, client sarama.Client, topic string, partition int32, which int64) (int64, error) {
	var offset int64
	err := Retry(ctx, func() (err error) {
		if offset, err = client.GetOffset(topic, partition, which); err != nil {
			// sarama keeps a leader that has moved until it is told.
			_ = client.RefreshMetadata(topic)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("list offsets of %s/%d: %w", topic, partition, err)
	}
	return offset, nil
}

// Reader reads a stretch of one partition with read_committed
// semantics. sarama's PartitionConsumer cannot: it shows no position, and the
// end of a partition that is written in transactions is a marker, which it
// swallows.
type Reader struct {
	Client    sarama.Client
	Topic     string
	Partition int32

	FetchBytes int32 // of the first fetch; 0 for as much as is good for long stretches

	// stalled is called when nothing could be read below the end because a
	// transaction is open there. Nil: just wait.
	Stalled func(ctx context.Context)

	// advanced is called with the position after each fetch that moved it.
	Advanced func(position int64)
}

const (
	// Records are many times larger when they are decompressed and decoded, and
	// all partitions are read at once: with more, the time goes into memory.
	longFetchBytes = 256 << 10
	fetchMaxBytes  = 1 << 30
	fetchWait      = 50 * time.Millisecond
)

// Read calls fn with each committed record in [from, to) and returns the
// position that it reached, which is to or beyond. It waits for open
// transactions below to: an open one of a dead owner pins the last stable
// offset below newer committed records (KAFKA-10167), so that stopping there
// would miss them.
func (r Reader) Read(ctx context.Context, from, to int64, fn func(*sarama.RecordBatch, *sarama.Record) error) (int64, error) {
	pos, size, failures := from, cmp.Or(r.FetchBytes, longFetchBytes), 0
	for pos < to {
		block, err := r.fetch(ctx, pos, size)
		if err != nil {
			failures++
			if permanent := errors.Is(err, sarama.ErrOffsetOutOfRange); permanent || failures > 100 || !Sleep(ctx, 50*time.Millisecond) {
				return pos, fmt.Errorf("read %s/%d at %d: %w", r.Topic, r.Partition, pos, err)
			}
			_ = r.Client.RefreshMetadata(r.Topic)
			continue
		}
		next, err := emit(block, pos, fn)
		if err != nil {
			return pos, err
		}
		failures = 0
		switch {
		case next > pos:
			pos = next
			if r.Advanced != nil {
				r.Advanced(pos)
			}
		case block.Partial && size < fetchMaxBytes:
			size *= 2
		case block.LastStableOffset >= to:
			// A broker returns at least one batch where there is one: what
			// lay in [pos, to) was compacted away.
			return to, nil
		case r.Stalled != nil:
			r.Stalled(ctx)
		}
		if err := ctx.Err(); err != nil && pos < to {
			return pos, fmt.Errorf("read %s/%d: %w", r.Topic, r.Partition, context.Cause(ctx))
		}
	}
	return pos, nil
}

func (r Reader) fetch(ctx context.Context, pos int64, size int32) (*sarama.FetchResponseBlock, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	leader, err := r.Client.Leader(r.Topic, r.Partition)
	if err != nil {
		return nil, err
	}
	req := &sarama.FetchRequest{
		Version: 11, MinBytes: 1, MaxWaitTime: int32(fetchWait.Milliseconds()), MaxBytes: max(size, 16<<20),
		Isolation: sarama.ReadCommitted, SessionEpoch: -1,
	}
	req.AddBlock(r.Topic, r.Partition, pos, size, -1)
	resp, err := leader.Fetch(req)
	if err != nil {
		return nil, err
	}
	block := resp.GetBlock(r.Topic, r.Partition)
	if block == nil {
		return nil, sarama.ErrIncompleteResponse
	}
	if block.Err != sarama.ErrNoError {
		return nil, block.Err
	}
	return block, nil
}

// emit calls fn with the committed records of a fetched block from pos on and
// returns the position after it. Control, aborted and empty batches move the
// position too.
func emit(block *sarama.FetchResponseBlock, pos int64, fn func(*sarama.RecordBatch, *sarama.Record) error) (int64, error) {
	aborted := slices.Clone(block.AbortedTransactions)
	slices.SortFunc(aborted, func(a, b *sarama.AbortedTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	aborting := map[int64]bool{} // producers inside an aborted transaction
	for _, set := range block.RecordsSet {
		b := set.RecordBatch
		if b == nil || b.PartialTrailingRecord {
			continue
		}
		for len(aborted) > 0 && aborted[0].FirstOffset <= b.LastOffset() {
			aborting[aborted[0].ProducerID] = true
			aborted = aborted[1:]
		}
		switch {
		case b.Control:
			if isAbortMarker(b) {
				delete(aborting, b.ProducerID)
			}
		case b.IsTransactional && aborting[b.ProducerID]:
		default:
			for _, r := range b.Records {
				if OffsetOf(b, r) < pos {
					continue
				}
				if err := fn(b, r); err != nil {
					return pos, err
				}
			}
		}
		pos = max(pos, b.LastOffset()+1)
	}
	return pos, nil
}

// OffsetOf is where a record of a batch stands.
func OffsetOf(b *sarama.RecordBatch, r *sarama.Record) int64 { return b.FirstOffset + r.OffsetDelta }

// TimeOf is the time of a record of a batch: that of the broker where the topic
// has LogAppendTime, else that of the producer.
func TimeOf(b *sarama.RecordBatch, r *sarama.Record) time.Time {
	if b.LogAppendTime {
		return b.MaxTimestamp.UTC()
	}
	return b.FirstTimestamp.Add(r.TimestampDelta).UTC()
}

// Message is a record as a consumer of sarama would show it.
func Message(topic string, partition int32, b *sarama.RecordBatch, r *sarama.Record) *sarama.ConsumerMessage {
	return &sarama.ConsumerMessage{
		Topic: topic, Partition: partition, Offset: OffsetOf(b, r), Timestamp: TimeOf(b, r), Key: r.Key, Value: r.Value, Headers: r.Headers,
	}
}

// isAbortMarker reads the key of a control record: version, then type, of
// which 0 is abort and 1 is commit.
func isAbortMarker(b *sarama.RecordBatch) bool {
	return len(b.Records) > 0 && len(b.Records[0].Key) >= 4 && binary.BigEndian.Uint16(b.Records[0].Key[2:]) == 0
}

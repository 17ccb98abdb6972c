package eventim

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

// Positions are the next offsets to read, by partition.
type Positions map[int32]int64

// Ends returns where each partition of topic ends now: its high watermark.
// Records of open transactions are below it.
func Ends(ctx context.Context, k Kafka, topic string) (Positions, error) {
	client, err := k.client()
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	return ends(ctx, client, topic)
}

func ends(ctx context.Context, client sarama.Client, topic string) (Positions, error) {
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	end := Positions{}
	for _, p := range partitions {
		if end[p], err = listOffset(ctx, client, topic, p, sarama.OffsetNewest); err != nil {
			return nil, err
		}
	}
	return end, nil
}

// errFound ends reading at the first record.
var errFound = errors.New("found a record")

// listOffset returns the first (OffsetOldest) or the next (OffsetNewest)
// offset of a partition, the latter as the high watermark.
func listOffset(ctx context.Context, client sarama.Client, topic string, partition int32, which int64) (int64, error) {
	var offset int64
	err := retry(ctx, func() (err error) {
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

// Read calls fn with each committed record of topic in [from, to), partition
// after partition, and returns. Partitions that from lacks are read from their
// beginning; partitions that to lacks are not read. A from that the topic no
// longer holds is ErrOffsetOutOfRange of sarama.
func Read(ctx context.Context, k Kafka, topic string, from, to Positions, fn func(Record) error) error {
	client, err := k.client()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	for p, end := range to {
		r := partitionReader{client: client, topic: topic, partition: p}
		start, ok := from[p]
		if !ok {
			if start, err = listOffset(ctx, client, topic, p, sarama.OffsetOldest); err != nil {
				return err
			}
		}
		if _, err := r.read(ctx, start, end, eachRecord(topic, p, fn)); err != nil {
			return err
		}
	}
	return nil
}

func eachRecord(topic string, partition int32, fn func(Record) error) func(*sarama.RecordBatch, *sarama.Record) error {
	return func(b *sarama.RecordBatch, r *sarama.Record) error {
		return fn(recordOf(topic, partition, b, r))
	}
}

func recordOf(topic string, partition int32, b *sarama.RecordBatch, r *sarama.Record) Record {
	rec := Record{
		Topic: topic, Position: Position{partition, b.FirstOffset + r.OffsetDelta},
		Time: b.FirstTimestamp.Add(r.TimestampDelta).UTC(), Key: r.Key, Value: r.Value, Headers: r.Headers,
	}
	if b.LogAppendTime {
		rec.Time = b.MaxTimestamp.UTC()
	}
	return rec
}

// partitionReader reads a stretch of one partition with read_committed
// semantics. sarama's PartitionConsumer cannot: it shows no position, and the
// end of a partition that is written in transactions is a marker, which it
// swallows.
type partitionReader struct {
	client    sarama.Client
	topic     string
	partition int32

	fetchBytes int32 // of the first fetch; 0 for as much as is good for long stretches

	// stalled is called when nothing could be read below the end because a
	// transaction is open there. Nil: just wait.
	stalled func(ctx context.Context)

	// advanced is called with the position after each fetch that moved it.
	advanced func(position int64)
}

const (
	// Records are many times larger when they are decompressed and decoded, and
	// all partitions are read at once: with more, the time goes into memory.
	longFetchBytes = 256 << 10
	fetchMaxBytes  = 1 << 30
	fetchWait      = 50 * time.Millisecond
)

// read calls fn with each committed record in [from, to) and returns the
// position that it reached, which is to or beyond. It waits for open
// transactions below to: an open one of a dead owner pins the last stable
// offset below newer committed records (KAFKA-10167), so that stopping there
// would miss them.
func (r partitionReader) read(ctx context.Context, from, to int64, fn func(*sarama.RecordBatch, *sarama.Record) error) (int64, error) {
	pos, size, failures := from, cmp.Or(r.fetchBytes, longFetchBytes), 0
	for pos < to {
		block, err := r.fetch(ctx, pos, size)
		if err != nil {
			failures++
			if permanent := errors.Is(err, sarama.ErrOffsetOutOfRange); permanent || failures > 100 || !sleep(ctx, 50*time.Millisecond) {
				return pos, fmt.Errorf("read %s/%d at %d: %w", r.topic, r.partition, pos, err)
			}
			_ = r.client.RefreshMetadata(r.topic)
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
			if r.advanced != nil {
				r.advanced(pos)
			}
		case block.Partial && size < fetchMaxBytes:
			size *= 2
		case block.LastStableOffset >= to:
			// A broker returns at least one batch where there is one: what
			// lay in [pos, to) was compacted away.
			return to, nil
		case r.stalled != nil:
			r.stalled(ctx)
		}
		if err := ctx.Err(); err != nil && pos < to {
			return pos, fmt.Errorf("read %s/%d: %w", r.topic, r.partition, context.Cause(ctx))
		}
	}
	return pos, nil
}

func (r partitionReader) fetch(ctx context.Context, pos int64, size int32) (*sarama.FetchResponseBlock, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	leader, err := r.client.Leader(r.topic, r.partition)
	if err != nil {
		return nil, err
	}
	req := &sarama.FetchRequest{
		Version: 11, MinBytes: 1, MaxWaitTime: int32(fetchWait.Milliseconds()), MaxBytes: max(size, 16<<20),
		Isolation: sarama.ReadCommitted, SessionEpoch: -1,
	}
	req.AddBlock(r.topic, r.partition, pos, size, -1)
	resp, err := leader.Fetch(req)
	if err != nil {
		return nil, err
	}
	block := resp.GetBlock(r.topic, r.partition)
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
				if b.FirstOffset+r.OffsetDelta < pos {
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

// isAbortMarker reads the key of a control record: version, then type, of
// which 0 is abort and 1 is commit.
func isAbortMarker(b *sarama.RecordBatch) bool {
	return len(b.Records) > 0 && len(b.Records[0].Key) >= 4 && binary.BigEndian.Uint16(b.Records[0].Key[2:]) == 0
}

package checker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

// Read waits until no transaction is open and the group has committed all
// commands, at most Options.Settle, and reads all topics of the aggregate.
func Read(ctx context.Context, o Options) (*Log, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(o.Brokers...)}, o.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", o.Brokers, err)
	}
	defer client.Close()
	r := &reader{client: client, admin: kadm.NewClient(client), group: cmp.Or(o.Group, o.Aggregate+"-handler"), log: newLog(o.Aggregate)}
	if err := r.locate(ctx); err != nil {
		return nil, err
	}
	if err := r.settle(ctx, cmp.Or(o.Settle, 30*time.Second)); err != nil {
		return nil, err
	}
	return r.log, r.readAll(ctx)
}

func newLog(aggregate string) *Log {
	return &Log{
		Commands: Topic{Name: aggregate + "-commands"}, Results: Topic{Name: aggregate + "-results"},
		Events: Topic{Name: aggregate + "-events"}, Snapshots: Topic{Name: aggregate + "-snapshots", Compacted: true},
		DeadLetters: Topic{Name: aggregate + "-dead-letters"},
	}
}

type reader struct {
	client  *kgo.Client
	admin   *kadm.Client
	group   string
	log     *Log
	details kadm.TopicDetails
}

// locate finds the partitions and their leaders.
func (r *reader) locate(ctx context.Context) error {
	var names []string
	for _, t := range r.log.topics() {
		names = append(names, t.Name)
	}
	details, err := r.admin.ListTopics(ctx, names...)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	r.details = details
	for _, t := range r.log.topics() {
		n := len(details[t.Name].Partitions)
		if n != len(details[r.log.Commands.Name].Partitions) {
			return fmt.Errorf("%s has %d partitions, %s %d", t.Name, n, r.log.Commands.Name, len(details[r.log.Commands.Name].Partitions))
		}
		t.Partitions = make([]Partition, n)
	}
	return nil
}

// settle waits until everything that was sent is handled. What is still open
// after the time is for the judge.
func (r *reader) settle(ctx context.Context, within time.Duration) error {
	deadline := time.Now().Add(within)
	for {
		if err := r.bounds(ctx); err != nil {
			return err
		}
		settled, err := r.settled(ctx)
		if err != nil || settled || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// bounds reads where each partition starts and ends.
func (r *reader) bounds(ctx context.Context) error {
	lists := []func(context.Context, ...string) (kadm.ListedOffsets, error){
		r.admin.ListStartOffsets, r.admin.ListCommittedOffsets, r.admin.ListEndOffsets,
	}
	for i, list := range lists {
		offsets, err := list(ctx, r.details.Names()...)
		if err == nil {
			err = offsets.Error()
		}
		if err != nil {
			return fmt.Errorf("list offsets: %w", err)
		}
		for _, t := range r.log.topics() {
			for p := range t.Partitions {
				o, _ := offsets.Lookup(t.Name, int32(p))
				*[]*int64{&t.Partitions[p].Start, &t.Partitions[p].Stable, &t.Partitions[p].End}[i] = o.Offset
			}
		}
	}
	return nil
}

func (r *reader) settled(ctx context.Context) (bool, error) {
	offsets, err := r.admin.FetchOffsets(kadm.RequireStable(ctx), r.group)
	switch {
	case errors.Is(err, kerr.GroupIDNotFound):
	case errors.Is(err, kerr.UnstableOffsetCommit):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("fetch the offsets of %s: %w", r.group, err)
	}
	r.log.Committed = map[int32]int64{}
	settled := true
	for p := range r.log.Commands.Partitions {
		o, ok := offsets.Lookup(r.log.Commands.Name, int32(p))
		if ok && errors.Is(o.Err, kerr.UnstableOffsetCommit) {
			settled = false
		} else if ok && o.Err != nil {
			return false, fmt.Errorf("fetch the offsets of %s: %w", r.group, o.Err)
		} else if ok && o.At >= 0 {
			r.log.Committed[int32(p)] = o.At
		}
		handled, err := r.handled(ctx, int32(p))
		if err != nil {
			return false, err
		}
		settled = settled && handled
	}
	for _, t := range r.log.topics() {
		for _, p := range t.Partitions {
			settled = settled && p.Stable == p.End
		}
	}
	return settled, nil
}

// handled tells whether no command follows the committed offset. Markers may:
// those of a sender's own transactions.
func (r *reader) handled(ctx context.Context, partition int32) (bool, error) {
	p := r.log.Commands.Partitions[partition]
	from := max(r.log.Committed[partition], p.Start)
	if p.Stable-from > 1000 {
		return false, nil
	}
	rest, err := r.read(ctx, r.log.Commands.Name, partition, from, p.Stable, kgo.ReadCommitted())
	return len(rest) == 0, err
}

const readersAtOnce = 8

func (r *reader) readAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readersAtOnce)
	for _, t := range r.log.topics() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			g.Go(func() (err error) {
				if p.Visible, err = r.read(ctx, t.Name, int32(i), p.Start, p.Stable, kgo.ReadCommitted()); err != nil {
					return err
				}
				p.All, err = r.read(ctx, t.Name, int32(i), p.Start, p.End, kgo.ReadUncommitted())
				return err
			})
		}
	}
	return g.Wait()
}

// read returns the records in [from, to), with the control records when the
// reading is of uncommitted ones.
func (r *reader) read(ctx context.Context, topic string, partition int32, from, to int64, level kgo.IsolationLevel) ([]Record, error) {
	var records []Record
	bytes := int32(4 << 20)
	for from < to {
		answer, err := r.fetch(ctx, topic, partition, from, bytes, level)
		if err != nil {
			return nil, fmt.Errorf("read %s/%d at %d: %w", topic, partition, from, err)
		}
		fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
			KeepControlRecords: level == kgo.ReadUncommitted(), Offset: from, IsolationLevel: level, Topic: topic, Partition: partition,
		}, answer, kgo.DefaultDecompressor(), nil)
		if fetched.Err != nil {
			return nil, fmt.Errorf("read %s/%d at %d: %w", topic, partition, from, fetched.Err)
		}
		for _, rec := range fetched.Records {
			if rec.Offset < to {
				records = append(records, recordOf(rec))
			}
		}
		if next == from && len(answer.RecordBatches) == 0 {
			return records, nil // compaction has removed the rest
		}
		if next == from {
			bytes *= 2
		}
		from = next
	}
	return records, nil
}

func (r *reader) fetch(ctx context.Context, topic string, partition int32, at int64, bytes int32, level kgo.IsolationLevel) (*kmsg.FetchResponseTopicPartition, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.SessionEpoch = 100, 1, bytes, -1
	if level == kgo.ReadCommitted() {
		req.IsolationLevel = 1
	}
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = topic, r.details[topic].ID
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, at, bytes
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, r.client.Broker(int(r.details[topic].Partitions[partition].Leader)))
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, errors.New("the broker answered without the partition")
	}
	answer := &resp.Topics[0].Partitions[0]
	return answer, kerr.ErrorForCode(answer.ErrorCode)
}

func recordOf(k *kgo.Record) Record {
	r := Record{
		Topic: k.Topic, Partition: k.Partition, Offset: k.Offset, Time: k.Timestamp, Key: k.Key, Value: k.Value,
		ProducerID: k.ProducerID, Transactional: k.Attrs.IsTransactional(),
	}
	for _, h := range k.Headers {
		r.Headers = append(r.Headers, Header{h.Key, bytes.Clone(h.Value)})
	}
	if k.Attrs.IsControl() {
		r.Control = Abort
		if len(k.Key) >= 4 && binary.BigEndian.Uint16(k.Key[2:]) == 1 {
			r.Control = Commit
		}
	}
	return r
}

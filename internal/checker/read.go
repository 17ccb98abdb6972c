package checker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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
	log := newLog(o.Aggregate)
	commands := &consumer{group: cmp.Or(o.Group, o.Aggregate+"-handler"), input: &log.Commands}
	r := &reader{client: client, admin: kadm.NewClient(client), topics: log.topics(), consumers: []*consumer{commands}}
	if err := r.locate(ctx); err != nil {
		return nil, err
	}
	for _, t := range log.topics() {
		if len(t.Partitions) != len(log.Commands.Partitions) {
			return nil, fmt.Errorf("%s has %d partitions, %s %d", t.Name, len(t.Partitions), log.Commands.Name, len(log.Commands.Partitions))
		}
	}
	if err := r.settle(ctx, cmp.Or(o.Settle, 30*time.Second)); err != nil {
		return nil, err
	}
	log.Committed = commands.committed
	return log, r.readAll(ctx)
}

func newLog(aggregate string) *Log {
	return &Log{
		Commands: Topic{Name: aggregate + "-commands"}, Results: Topic{Name: aggregate + "-results"},
		Events: Topic{Name: aggregate + "-events"}, Snapshots: Topic{Name: aggregate + "-snapshots", Compacted: true},
		DeadLetters: Topic{Name: aggregate + "-dead-letters"},
	}
}

type reader struct {
	client    *kgo.Client
	admin     *kadm.Client
	topics    []*Topic // to be read
	consumers []*consumer
	details   kadm.TopicDetails
}

// consumer is a group that has to be done with its input.
type consumer struct {
	group     string
	input     *Topic
	committed map[int32]int64
}

// all are the topics that are read, and those that others read.
func (r *reader) all() []*Topic {
	all := slices.Clone(r.topics)
	for _, c := range r.consumers {
		if !slices.Contains(all, c.input) {
			all = append(all, c.input)
		}
	}
	return all
}

// locate finds the partitions and their leaders.
func (r *reader) locate(ctx context.Context) error {
	var names []string
	for _, t := range r.all() {
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
	for _, t := range r.all() {
		t.Partitions = make([]Partition, len(details[t.Name].Partitions))
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
		for _, t := range r.all() {
			for p := range t.Partitions {
				o, _ := offsets.Lookup(t.Name, int32(p))
				*[]*int64{&t.Partitions[p].Start, &t.Partitions[p].Stable, &t.Partitions[p].End}[i] = o.Offset
			}
		}
	}
	return nil
}

func (r *reader) settled(ctx context.Context) (bool, error) {
	settled := true
	for _, c := range r.consumers {
		done, err := r.consumed(ctx, c)
		if err != nil {
			return false, err
		}
		settled = settled && done
	}
	for _, t := range r.all() {
		for _, p := range t.Partitions {
			settled = settled && p.Stable == p.End
		}
	}
	return settled, nil
}

// consumed tells whether a group is done with all of its input.
func (r *reader) consumed(ctx context.Context, c *consumer) (bool, error) {
	offsets, err := r.admin.FetchOffsets(kadm.RequireStable(ctx), c.group)
	switch {
	case errors.Is(err, kerr.GroupIDNotFound):
	case errors.Is(err, kerr.UnstableOffsetCommit):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("fetch the offsets of %s: %w", c.group, err)
	}
	c.committed = map[int32]int64{}
	done := true
	for p := range c.input.Partitions {
		o, ok := offsets.Lookup(c.input.Name, int32(p))
		if ok && errors.Is(o.Err, kerr.UnstableOffsetCommit) {
			done = false
		} else if ok && o.Err != nil {
			return false, fmt.Errorf("fetch the offsets of %s: %w", c.group, o.Err)
		} else if ok && o.At >= 0 {
			c.committed[int32(p)] = o.At
		}
		handled, err := r.handled(ctx, c, int32(p))
		if err != nil {
			return false, err
		}
		done = done && handled
	}
	return done, nil
}

// handled tells whether nothing follows the committed offset. Markers may: those of a
// sender's own transactions.
func (r *reader) handled(ctx context.Context, c *consumer, partition int32) (bool, error) {
	p := c.input.Partitions[partition]
	from := max(c.committed[partition], p.Start)
	if p.Stable-from > 1000 {
		return false, nil
	}
	rest, err := r.read(ctx, c.input.Name, partition, from, p.Stable, kgo.ReadCommitted())
	return len(rest) == 0, err
}

const readersAtOnce = 8

func (r *reader) readAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readersAtOnce)
	for _, t := range r.topics {
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

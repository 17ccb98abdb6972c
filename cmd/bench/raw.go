package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// contendRaw is the speed of light: it consumes, produces three records for
// each command, and commits, with as few transactions as our lanes. It keeps
// no state, parses nothing and cares for no fault: any error ends it.
type contendRaw struct{ contendFlags }

// rawBatch is what one partition wants to have committed.
type rawBatch struct {
	session  sarama.ConsumerGroupSession
	commands []*sarama.ConsumerMessage
	done     chan error
}

type rawLoop struct {
	contendRaw
	queue   chan *rawBatch
	running func()
	claims  atomic.Int32
	values  rawValues
}

// rawValues are the values of the records that the loop writes: of the same
// sizes and of the same stuff as those of the handler.
type rawValues struct{ result, event, snapshot []byte }

const (
	rawLanes    = 2
	rawMaxBatch = 500
)

// Run implements the command.
func (c contendRaw) Run(ctx context.Context) error {
	values, err := newRawValues()
	if err != nil {
		return err
	}
	return c.attend(ctx, func(ctx context.Context, running func()) error {
		l := &rawLoop{contendRaw: c, queue: make(chan *rawBatch, 1024), running: running, values: values}
		return l.run(ctx)
	})
}

func newRawValues() (rawValues, error) {
	state, err := expected(2)
	if err != nil {
		return rawValues{}, err
	}
	snapshot, err := json.Marshal(state)
	if err != nil {
		return rawValues{}, err
	}
	event := []byte(`{"line":{"id":"1","description":"Analysis","quantity":"4","unitPrice":"120.00","net":{"amount":"480.00","currency":"EUR"}},"total":{"amount":"619.30","currency":"EUR"}}`)
	const about = `,"schemaVersion":1,"version":2,"time":"2026-11-21T10:00:00.123Z","command":"00000000-0000-7000-8000-000000000000","commandOffset":100000,"data":`
	result := bytes.Join([][]byte{
		[]byte(`{"outcome":"accepted","version":2,"events":[{"type":"LineItemChanged"` + about), event,
		[]byte(`}],"snapshot":{"type":"invoice","revision":1` + about), snapshot, []byte(`}}`),
	}, nil)
	return rawValues{result, event, snapshot}, nil
}

func (l *rawLoop) run(ctx context.Context) error {
	group, err := sarama.NewConsumerGroup(l.kafka().Brokers, l.Name, l.groupConfig())
	if err != nil {
		return err
	}
	go func() {
		for err := range group.Errors() {
			fmt.Fprintln(os.Stderr, "raw:", err)
		}
	}()
	var lanes sync.WaitGroup
	errs := make(chan error, rawLanes)
	for k := range rawLanes {
		lanes.Go(func() { errs <- l.lane(fmt.Sprintf("%s/raw/%d", l.Name, k)) })
	}
	for ctx.Err() == nil && err == nil {
		err = group.Consume(ctx, []string{l.Name + "-commands"}, l)
	}
	err = errors.Join(err, group.Close())
	close(l.queue)
	lanes.Wait()
	for range rawLanes {
		err = errors.Join(err, <-errs)
	}
	return err
}

func (l *rawLoop) groupConfig() *sarama.Config {
	c := kafkalog.Kafka(l.kafka()).Config()
	c.Consumer.Group.Session.Timeout = l.session()
	c.Consumer.MaxProcessingTime = time.Second
	c.ChannelBufferSize = 1024
	return c
}

func (l *rawLoop) Setup(sarama.ConsumerGroupSession) error { l.claims.Store(0); return nil }

func (l *rawLoop) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (l *rawLoop) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	if l.claims.Add(1) == l.Partitions {
		l.running()
	}
	for m := range claim.Messages() {
		b := &rawBatch{session, []*sarama.ConsumerMessage{m}, make(chan error, 1)}
		for waiting := true; waiting && len(b.commands) < rawMaxBatch; {
			select {
			case m, ok := <-claim.Messages():
				if waiting = ok; ok {
					b.commands = append(b.commands, m)
				}
			default:
				waiting = false
			}
		}
		l.queue <- b
		if err := <-b.done; err != nil {
			return err
		}
	}
	return nil
}

func (l *rawLoop) laneConfig(id string) *sarama.Config {
	c := kafkalog.Kafka(l.kafka()).Config()
	c.Net.MaxOpenRequests = 1
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Transaction.ID = id
	c.Producer.Transaction.Retry.BackoffFunc = func(retries, _ int) time.Duration { return time.Millisecond << min(retries, 6) }
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Producer.Compression = sarama.CompressionLZ4
	c.Producer.Flush.Frequency = time.Millisecond
	c.ChannelBufferSize = 1024
	return c
}

func (l *rawLoop) lane(id string) error {
	p, err := sarama.NewAsyncProducer(l.kafka().Brokers, l.laneConfig(id))
	if err != nil {
		return err
	}
	go func() {
		for err := range p.Errors() {
			fmt.Fprintln(os.Stderr, "raw:", err)
		}
	}()
	defer p.AsyncClose()
	for b := range l.queue {
		batches := []*rawBatch{b}
		for waiting := true; waiting; {
			select {
			case b, ok := <-l.queue:
				if waiting = ok; ok {
					batches = append(batches, b)
				}
			default:
				waiting = false
			}
		}
		err := l.commit(p, batches)
		for _, b := range batches {
			b.done <- err
		}
	}
	return nil
}

func (l *rawLoop) commit(p sarama.AsyncProducer, batches []*rawBatch) error {
	if err := p.BeginTxn(); err != nil {
		return err
	}
	offsets := map[string][]*sarama.PartitionOffsetMetadata{}
	for _, b := range batches {
		for _, m := range b.commands {
			l.write(p, m)
		}
		last := b.commands[len(b.commands)-1]
		offsets[last.Topic] = append(offsets[last.Topic], &sarama.PartitionOffsetMetadata{
			Partition: last.Partition, Offset: last.Offset + 1, LeaderEpoch: -1,
		})
	}
	metadata := sarama.NewConsumerGroupMetadataFromSession(batches[0].session, l.Name, nil)
	if err := p.AddOffsetsToTxnWithGroupMetadata(offsets, metadata); err != nil {
		return err
	}
	return p.CommitTxn()
}

func (l *rawLoop) write(p sarama.AsyncProducer, m *sarama.ConsumerMessage) {
	headers := make([]sarama.RecordHeader, 0, len(m.Headers)+2)
	for _, h := range m.Headers {
		headers = append(headers, *h)
		if string(h.Key) == "ce_id" {
			headers = append(headers, sarama.RecordHeader{Key: []byte("ce_commandid"), Value: h.Value})
		}
	}
	headers = append(headers, sarama.RecordHeader{Key: []byte("ce_commandoffset"), Value: strconv.AppendInt(nil, m.Offset, 10)})
	key := sarama.ByteEncoder(m.Key)
	send := func(topic string, value []byte) {
		p.Input() <- &sarama.ProducerMessage{Topic: topic, Partition: m.Partition, Key: key, Value: sarama.ByteEncoder(value), Headers: headers}
	}
	send(l.Name+"-results", l.values.result)
	send(l.Name+"-events", l.values.event)
	send(l.Name+"-snapshots", l.values.snapshot)
}

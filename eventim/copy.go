package eventim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Copied says how many records CopyTopics has copied, by the topic that they
// were copied to.
type Copied map[string]int64

// CopyTopics copies what the topics of from hold to new topics, those of to,
// which may have another partition count: this is how an aggregate grows. Each
// key goes to its partition by murmur2 of the new count, and what belongs to an
// aggregate keeps its order. Commands that no handler has finished are copied,
// too, and the group of to begins with them; results keep their ids from having
// another effect.
//
// The codecs are the same: where State is nil, its name is that of the
// aggregate, so give to the State that from has, JSON[S](from.Name).
//
// Nothing may be written meanwhile: all handlers and senders of from are
// stopped, and stay so afterwards. CopyTopics fails when the group has members,
// when one of the new topics exists, and when a topic of from has grown since it
// began. The commands topic is made last, and no handler starts without it: when
// CopyTopics fails, delete the new topics and begin again.
func CopyTopics[S, C, E any](ctx context.Context, k Kafka, from, to Aggregate[S, C, E], replication int16) (Copied, error) {
	if err := errors.Join(from.validate(), to.validate()); err != nil {
		return nil, err
	}
	admin, err := k.admin()
	if err != nil {
		return nil, err
	}
	defer func() { _ = admin.Close() }()
	c := copier{kafka: k, admin: admin, copied: Copied{}}
	if err := c.run(ctx, copySide(from.withDefaults()), copySide(to.withDefaults()), replication); err != nil {
		return nil, fmt.Errorf("copy the topics of %q to %q: %w", from.Name, to.Name, err)
	}
	return c.copied, nil
}

// side is one end of a copy.
type side struct {
	Topics
	group      string
	partitions int32
	specs      []topicSpec
}

func copySide[S, C, E any](a *Aggregate[S, C, E]) side {
	return side{a.Topics(), a.Group(), a.Partitions, a.topicSpecs()}
}

// outputs are what a handler writes.
func (s side) outputs() []string { return []string{s.Events, s.Results, s.Snapshots, s.DeadLetters} }

type copier struct {
	kafka  Kafka
	admin  sarama.ClusterAdmin
	copied Copied
}

func (c *copier) run(ctx context.Context, from, to side, replication int16) error {
	if err := c.refuse(ctx, from, to); err != nil {
		return err
	}
	began, err := c.ends(ctx, from)
	if err != nil {
		return err
	}
	handled, err := c.handled(from, began[from.Commands])
	if err != nil {
		return err
	}
	commands, outputs := split(to)
	if _, err := createTopics(ctx, c.kafka, outputs, to.partitions, replication); err != nil {
		return err
	}
	for i, topic := range from.outputs() {
		if err := c.copy(ctx, topic, nil, began[topic], to.outputs()[i], to.partitions, maxOutputBytes); err != nil {
			return err
		}
	}
	if _, err := createTopics(ctx, c.kafka, commands, to.partitions, replication); err != nil {
		return err
	}
	if err := c.begin(to); err != nil {
		return err
	}
	if err := c.copy(ctx, from.Commands, handled, began[from.Commands], to.Commands, to.partitions, maxCommandBytes); err != nil {
		return err
	}
	return c.unchanged(ctx, from, began)
}

// split takes the topic of the commands from the others.
func split(s side) (commands, outputs []topicSpec) {
	for _, spec := range s.specs {
		if spec.name == s.Commands {
			commands = append(commands, spec)
		} else {
			outputs = append(outputs, spec)
		}
	}
	return commands, outputs
}

// refuse finds what would make a copy of something that still changes, or into
// something that is there.
func (c *copier) refuse(ctx context.Context, from, to side) error {
	groups, err := c.admin.DescribeConsumerGroups([]string{from.group})
	if err != nil {
		return fmt.Errorf("describe group %s: %w", from.group, err)
	}
	for _, g := range groups {
		if len(g.Members) > 0 {
			return fmt.Errorf("group %s has %d members: stop all handlers", from.group, len(g.Members))
		}
	}
	found, err := describeTopics(ctx, c.admin, to.specs)
	if err != nil {
		return err
	}
	for _, spec := range to.specs {
		if _, exists := found[spec.name]; exists {
			return fmt.Errorf("topic %s exists: a copy begins with new topics", spec.name)
		}
	}
	return nil
}

func (c *copier) ends(ctx context.Context, s side) (map[string]Positions, error) {
	all := map[string]Positions{}
	for _, topic := range append(s.outputs(), s.Commands) {
		end, err := Ends(ctx, c.kafka, topic)
		if err != nil {
			return nil, err
		}
		all[topic] = end
	}
	return all, nil
}

func (c *copier) unchanged(ctx context.Context, s side, began map[string]Positions) error {
	ended, err := c.ends(ctx, s)
	if err != nil {
		return err
	}
	for topic, ends := range ended {
		for p, end := range ends {
			if end != began[topic][p] {
				return fmt.Errorf("%s/%d has grown from %d to %d meanwhile: stop who writes it, and begin again with new topics",
					topic, p, began[topic][p], end)
			}
		}
	}
	return nil
}

// handled returns where the commands begin that no handler has finished. A
// partition that was added to the topic by mistake was never handled.
func (c *copier) handled(s side, ends Positions) (Positions, error) {
	var partitions []int32
	for p := range ends {
		partitions = append(partitions, p)
	}
	resp, err := c.admin.ListConsumerGroupOffsets(s.group, map[string][]int32{s.Commands: partitions})
	if err != nil {
		return nil, fmt.Errorf("read the offsets of group %s: %w", s.group, err)
	}
	next := Positions{}
	for _, p := range partitions {
		block := resp.GetBlock(s.Commands, p)
		switch {
		case block != nil && block.Offset >= 0:
			next[p] = block.Offset
		case p < s.partitions && ends[p] > 0:
			return nil, fmt.Errorf("group %s has no offset for %s/%d: let a handler finish what is there, and stop it", s.group, s.Commands, p)
		}
	}
	return next, nil
}

// origin is the offset of the command that everything copied belongs to. The
// offsets of the old topic mean nothing in the new one, whose commands begin
// behind this one: who waits for one of them is not told that it was applied.
const origin = 0

// begin lets the commands of a new topic, and the group that handles them, start
// behind the origin.
func (c *copier) begin(to side) error {
	next := Positions{}
	err := c.producing(maxCommandBytes, sarama.NewManualPartitioner, func(send func(*sarama.ProducerMessage) error) error {
		for p := range to.partitions {
			next[p] = origin + 1
			if err := send(&sarama.ProducerMessage{Topic: to.Commands, Partition: p}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.admin.DeleteRecords(to.Commands, next); err != nil {
		return fmt.Errorf("delete the origin of %s: %w", to.Commands, err)
	}
	return c.commit(to, next)
}

func (c *copier) commit(to side, next Positions) error {
	offsets := map[int32]sarama.OffsetAndMetadata{}
	for p, offset := range next {
		offsets[p] = sarama.OffsetAndMetadata{Offset: offset, LeaderEpoch: -1}
	}
	resp, err := c.admin.AlterConsumerGroupOffsets(to.group, map[string]map[int32]sarama.OffsetAndMetadata{to.Commands: offsets}, nil)
	if err == nil {
		for _, code := range resp.Errors[to.Commands] {
			err = errors.Join(err, kafkalog.Failure(code))
		}
	}
	if err != nil {
		return fmt.Errorf("commit the offsets of group %s: %w", to.group, err)
	}
	return nil
}

// copy copies the committed records of a topic in [begin, end).
func (c *copier) copy(ctx context.Context, topic string, begin, end Positions, to string, partitions int32, limit int) error {
	return c.producing(limit, placementOf(to, partitions), func(send func(*sarama.ProducerMessage) error) error {
		return Read(ctx, c.kafka, topic, begin, end, func(rec Record) error {
			c.copied[to]++
			return send(copyOf(rec, to))
		})
	})
}

// copyOf is a record for the new topic. Whatever belongs to a command of the
// old one belongs to the origin.
func copyOf(rec Record, to string) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: to, Timestamp: rec.Time}
	if rec.Key != nil {
		m.Key = sarama.ByteEncoder(rec.Key)
	}
	if rec.Value != nil {
		m.Value = sarama.ByteEncoder(originValue(rec))
	}
	for _, h := range rec.Headers {
		own := sarama.RecordHeader(*h)
		if string(h.Key) == headerCommandOffset {
			own.Value = []byte(strconv.Itoa(origin))
		}
		m.Headers = append(m.Headers, own)
	}
	return m
}

// originValue is the value of a record, in which a result names the commands of
// its events and its snapshot once more.
func originValue(rec Record) []byte {
	var v resultValue
	if rec.Header(headerCommandDigest) == "" || json.Unmarshal(rec.Value, &v) != nil {
		return rec.Value
	}
	for i := range v.Events {
		v.Events[i].CommandOffset = origin
	}
	if v.Snapshot != nil {
		v.Snapshot.CommandOffset = origin
	}
	return v.appendTo(nil)
}

// producing calls fn with a function that sends records in order, and returns
// when all are acknowledged by all replicas in sync.
func (c *copier) producing(limit int, place sarama.PartitionerConstructor, fn func(send func(*sarama.ProducerMessage) error) error) error {
	config := senderConfig(c.kafka, "", 0)
	config.Producer.Partitioner = place
	config.Producer.MaxMessageBytes = limit
	config.Producer.Compression = sarama.CompressionLZ4
	p, err := newProducer(c.kafka.Brokers, config)
	if err != nil {
		return fmt.Errorf("connect to Kafka at %v: %w", c.kafka.Brokers, err)
	}
	var pending, answers sync.WaitGroup
	answers.Go(func() {
		for range p.Successes() {
			pending.Done()
		}
	})
	failed := make(chan error, 1) // the first
	answers.Go(func() {
		for e := range p.Errors() {
			select {
			case failed <- fmt.Errorf("write to %s: %w", e.Msg.Topic, e.Err):
			default:
			}
			pending.Done()
		}
	})
	err = fn(func(m *sarama.ProducerMessage) error {
		pending.Add(1)
		p.Input() <- m // its answers are always taken
		select {
		case err := <-failed:
			return err
		default:
			return nil
		}
	})
	// What is tried again while sarama's producer closes is refused.
	pending.Wait()
	select {
	case lost := <-failed:
		err = errors.Join(err, lost)
	default:
	}
	return errors.Join(err, p.close(&answers))
}

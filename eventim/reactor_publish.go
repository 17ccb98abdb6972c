package eventim

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Publication is a topic for others that reactors publish values in. Who needs it makes
// it: it is none of the topics that a reactor creates.
type Publication[V any] struct {
	Topic      string
	Partitions int32 // that the topic has
	Values     Codec[V]
}

// Publishing is a Publication of any value.
type Publishing interface {
	topic() (name string, partitions int32)
	encodeValue(v any) (Payload, error)
}

func (p Publication[V]) topic() (name string, partitions int32) { return p.Topic, p.Partitions }

func (p Publication[V]) encodeValue(v any) (Payload, error) {
	value, ok := v.(V)
	if !ok {
		return Payload{}, fmt.Errorf("%T is no value of the topic %s", v, p.Topic)
	}
	return writeBy(p.Values, value)
}

// Publish writes a value into a topic, under a key. It is written in the transaction of
// the reaction, so once, for whoever reads committed records; its id (HeaderID) is
// derived like that of a command.
func Publish[V any](p Publication[V], key string, v V) Output {
	return Output{Publish: &PublishOutput{Topic: p.Topic, Key: key, Value: v}}
}

// PublishOutput is a value for a topic.
type PublishOutput struct {
	Topic string
	Key   string
	Value any // of the publication's V
}

// publication is the record of a value; nil when what it is published for is of the past
// that is muted.
func (p *reaction[S, M]) publication(msg Message[M], place int, o *PublishOutput) (*sarama.ProducerMessage, error) {
	if msg.Time.Before(p.r.MutedBefore) {
		return nil, nil
	}
	for _, published := range p.r.Publishes {
		topic, wide := published.topic()
		if topic != o.Topic {
			continue
		}
		payload, err := published.encodeValue(o.Value)
		if err != nil {
			return nil, err
		}
		h := cloudEvent(commandID(p.r.Name, msg.Instance, msg.ID, place), payload.Type, "/"+p.r.Name+"/published", o.Key, msg.Time)
		h.addInt(headerSchemaVersion, int64(payload.SchemaVersion))
		h.addMetadata(Metadata{
			Actor: p.r.Name, Causation: msg.Causation, Correlation: cmp.Or(msg.Correlation, msg.Causation), Traceparent: msg.Traceparent,
		})
		m := message(topic, o.Key, payload.Data, h)
		if size := m.ByteSize(2) + kafkalog.BatchOverhead; size > maxOutputBytes {
			return nil, fmt.Errorf("%w: a value for %s of %d bytes", ErrTooLarge, topic, size)
		}
		m.Partition, err = p.partitioner.Partition(m, wide)
		return m, err
	}
	return nil, fmt.Errorf("it publishes in %s, which is none of the topics in Publishes", o.Topic)
}

// checkPublications finds what is wrong with Publishes.
func (r *Reactor[S, M]) checkPublications() error {
	var errs []error
	seen := map[string]bool{}
	for _, p := range r.Publishes {
		topic, wide := p.topic()
		if topic == "" || wide < 1 || seen[topic] {
			errs = append(errs, fmt.Errorf("what it publishes in: %q has %d partitions, or is there twice", topic, wide))
		}
		seen[topic] = true
	}
	return errors.Join(errs...)
}

// inspectPublications holds the topics against what is said of them: with another number
// of partitions, the values of a key would be in two.
func (r *Reactor[S, M]) inspectPublications(ctx context.Context, client sarama.Client) error {
	for _, p := range r.Publishes {
		topic, wide := p.topic()
		found, err := kafkalog.Describe(ctx, client, topic)
		if err != nil {
			return err
		}
		switch n := found.Partitions[topic]; {
		case n == 0:
			return &TopicsError{r.Name, []string{topic + ": does not exist"}}
		case n != int(wide):
			return &TopicsError{r.Name, []string{fmt.Sprintf("%s: has %d partitions, want %d", topic, n, wide)}}
		}
	}
	return nil
}

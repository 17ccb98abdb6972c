package eventim_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
)

// raw is another client of the cluster, which writes what it likes where it
// likes.
func (s *system) raw(options ...kgo.Opt) *kgo.Client {
	s.t.Helper()
	return rawClient(s.t, s.kafka, options...)
}

func rawClient(t testing.TB, k eventim.Kafka, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(options, kgo.SeedBrokers(k.Brokers...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(8<<20))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (s *system) produce(c *kgo.Client, records ...*kgo.Record) {
	s.t.Helper()
	if err := c.ProduceSync(s.t.Context(), records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// alter changes the configuration of a topic, and returns when the broker goes
// by it. A broker acknowledges a change, then shows it, then applies it, one
// change after the other: when it shows a second one, the first is applied.
func (s *system) alter(topic, name, value string) {
	s.t.Helper()
	s.configure(topic, name, value)
	s.configure(topic, "segment.ms", strconv.FormatInt(time.Now().UnixNano(), 10)) // nothing here lives as long
}

// configure changes the configuration of a topic, and returns when the broker
// shows the change.
func (s *system) configure(topic, name, value string) {
	s.t.Helper()
	admin := kadm.NewClient(s.raw())
	altered, err := admin.AlterTopicConfigs(s.t.Context(), []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err == nil {
		_, err = altered.On(topic, func(a *kadm.AlterConfigsResponse) error { return a.Err })
	}
	if err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, name+" is "+value, func() bool {
		shown, err := admin.DescribeTopicConfigs(s.t.Context(), topic)
		if err != nil {
			s.t.Fatal(err)
		}
		config, err := shown.On(topic, nil)
		return err == nil && slices.ContainsFunc(config.Configs, func(c kadm.Config) bool { return c.Key == name && c.MaybeValue() == value })
	})
}

// head returns headers in pairs of name and value.
func head(pairs ...string) []kgo.RecordHeader {
	var list []kgo.RecordHeader
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, kgo.RecordHeader{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return list
}

// keyIn returns a key whose partition, of two, is p.
func keyIn(p int32) []byte {
	for b := byte('a'); ; b++ {
		if kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: []byte{b}}, 2) == int(p) {
			return []byte{b}
		}
	}
}

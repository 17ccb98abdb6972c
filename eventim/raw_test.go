package eventim_test

import (
	"testing"

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

// alter changes the configuration of a topic.
func (s *system) alter(topic, name, value string) {
	s.t.Helper()
	answers, err := kadm.NewClient(s.raw()).AlterTopicConfigs(s.t.Context(), []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range answers {
		if a.Err != nil {
			s.t.Fatal(a.Err)
		}
	}
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

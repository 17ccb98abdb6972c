package main

import (
	"strings"
	"testing"

	"github.com/IBM/sarama"
)

func TestMurmur2IsThatOfJava(t *testing.T) {
	t.Parallel()
	const partitions = 48
	for n := range 40 {
		key := strings.Repeat("invoice-ä", 5)[:n]
		h := newMurmur2()
		_, _ = h.Write([]byte(key))
		want, err := sarama.NewMurmur2Partitioner("t").Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, partitions)
		if err != nil {
			t.Fatal(err)
		}
		if got := int32(h.Sum32()) % partitions; got != want {
			t.Errorf("partition of %q: got %d, want %d", key, got, want)
		}
	}
}

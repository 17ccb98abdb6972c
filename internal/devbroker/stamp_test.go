package devbroker

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A topic that asks for it gets the times of its appends, whatever the senders say and however they compress, also after a
// restart; another topic keeps those of its senders.
func TestStamp(t *testing.T) {
	t.Parallel()
	dir, begun := t.TempDir(), time.Now().Add(-time.Second)
	times := []time.Time{time.Now().Add(-25 * time.Hour), time.Now().Add(25 * time.Hour), time.UnixMilli(0), time.UnixMilli(-1)}
	b, err := Start(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	admin, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for topic, kind := range map[string]string{"stamped": "LogAppendTime", "plain": "CreateTime"} {
		if _, err := kadm.NewClient(admin).CreateTopic(t.Context(), 1, 1, map[string]*string{"message.timestamp.type": &kind}, topic); err != nil {
			t.Fatal(err)
		}
	}
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		var records []*kgo.Record
		for _, topic := range []string{"stamped", "plain"} {
			for i, at := range times {
				records = append(records, &kgo.Record{
					Topic: topic, Key: fmt.Append(nil, i), Value: make([]byte, 500), Timestamp: at,
					Headers: []kgo.RecordHeader{{Key: "h", Value: fmt.Append(nil, i)}},
				})
			}
		}
		if err := c.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = Start(Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.ConsumeTopics("stamped", "plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for read := 0; read < 6*len(times); {
		fetched := reader.PollFetches(t.Context())
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			read++
			want := times[int(r.Offset)%len(times)]
			if r.Topic == "plain" && r.Timestamp.UnixMilli() != want.UnixMilli() {
				t.Errorf("%s %d has the time %v, want that of its sender, %v", r.Topic, r.Offset, r.Timestamp, want)
			}
			if r.Topic == "stamped" && (r.Timestamp.Before(begun) || r.Timestamp.After(time.Now())) {
				t.Errorf("%s %d has the time %v, want that of its append", r.Topic, r.Offset, r.Timestamp)
			}
			if i := string(r.Key); i != fmt.Sprint(int(r.Offset)%len(times)) || len(r.Value) != 500 || len(r.Headers) != 1 || string(r.Headers[0].Value) != i {
				t.Errorf("%s %d came back as %v", r.Topic, r.Offset, r)
			}
		})
	}
}

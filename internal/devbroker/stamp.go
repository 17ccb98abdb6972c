package devbroker

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Stamp makes a cluster do what message.timestamp.type=LogAppendTime asks for: the records of such a topic get the time at
// which they are appended, whatever their sender said. kfake only shows the setting. The batches do not say that their times
// are of this type: kfake has a mark for it, and breaks the checksum of a batch that has it.
func Stamp(c *kfake.Cluster) {
	c.ControlKey(kmsg.Produce.Int16(), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		produce := request.(*kmsg.ProduceRequest)
		for _, t := range produce.Topics {
			if !stamps(c, produce.Version, t) {
				continue
			}
			for i := range t.Partitions {
				p := &t.Partitions[i]
				p.Records = stamped(p.Records, time.Now().UnixMilli())
			}
		}
		return nil, nil, false // kfake goes on with the request
	})
}

// stamps tells whether a topic asks for the time of the append.
func stamps(c *kfake.Cluster, version int16, t kmsg.ProduceRequestTopic) bool {
	info := c.TopicInfo(t.Topic)
	if version >= 13 { // which sends the id
		info = c.TopicIDInfo(t.TopicID)
	}
	if info == nil {
		return false
	}
	kind := info.Configs["message.timestamp.type"]
	return kind != nil && *kind == "LogAppendTime"
}

const (
	batchLengthEnd = 12 // of an encoded batch: what the field counts begins here
	batchSumBegin  = 21 // what the checksum covers begins here
	codecMask      = 0x7
)

// stamped returns a batch whose records are all of the time. What is no batch, kfake refuses.
func stamped(raw []byte, at int64) []byte {
	var b kmsg.RecordBatch
	if err := b.ReadFrom(raw); err != nil || b.Magic != 2 || b.CRC != checksum(raw) {
		return raw
	}
	records, err := kfake.BatchRecords(b)
	if err != nil {
		return raw
	}
	late := func(r kmsg.Record) bool { return r.TimestampDelta64 != 0 }
	if slices.ContainsFunc(records, late) {
		b.Records, b.Attributes = simultaneous(records), b.Attributes&^codecMask
	}
	b.FirstTimestamp, b.MaxTimestamp = at, at
	encoded := b.AppendTo(nil)
	binary.BigEndian.PutUint32(encoded[batchLengthEnd-4:], uint32(len(encoded)-batchLengthEnd))
	binary.BigEndian.PutUint32(encoded[batchSumBegin-4:], uint32(checksum(encoded)))
	return encoded
}

func checksum(batch []byte) int32 { return int32(crc32.Checksum(batch[batchSumBegin:], castagnoli)) }

// simultaneous encodes records, not compressed, of which none is later than the first.
func simultaneous(records []kmsg.Record) (encoded []byte) {
	for _, r := range records {
		r.TimestampDelta, r.TimestampDelta64, r.Length = 0, 0, 0
		r.Length = int32(len(r.AppendTo(nil)) - 1) // without the length itself, which takes one byte while it is 0
		encoded = r.AppendTo(encoded)
	}
	return encoded
}

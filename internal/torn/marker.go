package torn

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// writeMarker ends what a producer has open in one partition, at its leader, as
// the coordinator does. It needs the right to alter the cluster, or to act for
// it (ALTER or CLUSTER_ACTION).
//
// The epochs are those that the leader reports: a higher one of the producer
// would fence who lives, a higher one of the coordinator would have the markers
// of the true one refused.
func writeMarker(ctx context.Context, k kafkalog.Kafka, leader string, t Transaction, commit bool) error {
	b, err := kafkalog.Borrow(ctx, k, leader)
	if err != nil {
		return err
	}
	const writeTxnMarkers, version = 27, 1
	answer, err := b.Request(writeTxnMarkers, version, encodeMarker(t, commit))
	if err = errors.Join(err, b.Close()); err != nil {
		return fmt.Errorf("write the marker at %s: %w", leader, err)
	}
	code, err := decodeMarkerAnswer(answer, t)
	if err == nil {
		err = kafkalog.Failure(code)
	}
	if err != nil {
		return fmt.Errorf("write the marker at %s: %w", leader, err)
	}
	return nil
}

// one is the length of a compact array of one element.
const one = 1 + 1

func encodeMarker(t Transaction, commit bool) []byte {
	b := binary.BigEndian.AppendUint64([]byte{one}, uint64(t.ProducerID))
	b = binary.BigEndian.AppendUint16(b, uint16(t.ProducerEpoch))
	result := byte(0)
	if commit {
		result = 1
	}
	b = append(b, result)
	b = appendCompact(append(b, one), t.Topic)
	b = binary.BigEndian.AppendUint32(append(b, one), uint32(t.Partition))
	b = append(b, kafkalog.NoTags)
	b = binary.BigEndian.AppendUint32(b, uint32(max(t.CoordinatorEpoch, 0)))
	return append(b, kafkalog.NoTags, kafkalog.NoTags)
}

func appendCompact(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))+1), s...)
}

// decodeMarkerAnswer reads the answer to one marker for one partition.
func decodeMarkerAnswer(answer []byte, t Transaction) (sarama.KError, error) {
	want := binary.BigEndian.AppendUint64([]byte{one}, uint64(t.ProducerID))
	want = appendCompact(append(want, one), t.Topic)
	want = binary.BigEndian.AppendUint32(append(want, one), uint32(t.Partition))
	rest, ours := bytes.CutPrefix(answer, want)
	if !ours || len(rest) < 2 {
		return 0, fmt.Errorf("an answer for another partition: % x", answer)
	}
	return sarama.KError(binary.BigEndian.Uint16(rest)), nil
}

package devbroker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A segment is a file of record batches as they are on the wire, and an index with one entry for each batch.
const (
	batchHeader   = 61
	transactional = 0x10
	control       = 0x20

	indexEntry   = 15
	indexVersion = 1
)

// batch is the header of a record batch.
type batch struct {
	offset      int64
	next        int64
	leaderEpoch int32
	maxTime     int64
	producerID  int64
	epoch       int16
	attributes  uint16
	size        int
}

func (b batch) isControl() bool { return b.attributes&control != 0 }

// inTransaction tells whether the batch waits for the end of a transaction.
func (b batch) inTransaction() bool { return b.attributes&(transactional|control) == transactional }

// decodeBatch reads the first batch of raw, false when there is no complete one.
func decodeBatch(raw []byte) (batch, bool) {
	if len(raw) < batchHeader {
		return batch{}, false
	}
	size := 12 + int(binary.BigEndian.Uint32(raw[8:]))
	if size < batchHeader || size > len(raw) {
		return batch{}, false
	}
	if binary.BigEndian.Uint32(raw[17:]) != crc32.Checksum(raw[21:size], castagnoli) {
		return batch{}, false
	}
	offset := int64(binary.BigEndian.Uint64(raw))
	return batch{
		offset:      offset,
		next:        offset + int64(binary.BigEndian.Uint32(raw[23:])) + 1,
		leaderEpoch: int32(binary.BigEndian.Uint32(raw[12:])),
		maxTime:     int64(binary.BigEndian.Uint64(raw[35:])),
		producerID:  int64(binary.BigEndian.Uint64(raw[43:])),
		epoch:       int16(binary.BigEndian.Uint16(raw[51:])),
		attributes:  binary.BigEndian.Uint16(raw[21:]),
		size:        size,
	}, true
}

// index is the entry of b. kfake computes the timestamp anew when it loads.
func (b batch) index() []byte {
	e := make([]byte, indexEntry)
	e[0] = indexVersion
	binary.LittleEndian.PutUint32(e[2:], uint32(b.leaderEpoch))
	binary.LittleEndian.PutUint64(e[6:], uint64(b.maxTime))
	if b.inTransaction() {
		e[14] = 1
	}
	e[1] = byte(crc32.Checksum(e[2:], castagnoli))
	return e
}

// segments returns the first offsets of the segments in a partition's directory, in order.
func segments(dir string) ([]int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var bases []int64
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".dat")
		if !ok {
			continue
		}
		base, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the name of segment %s: %w", entry.Name(), err)
		}
		bases = append(bases, base)
	}
	slices.Sort(bases)
	return bases, nil
}

func segmentFile(dir string, base int64) string {
	return filepath.Join(dir, strconv.FormatInt(base, 10)+".dat")
}

func indexFile(dir string, base int64) string {
	return filepath.Join(dir, strconv.FormatInt(base, 10)+".idx")
}

// repairSegment cuts a torn batch at the end, writes the index anew, and calls fn with each batch. kfake would take a
// transactional batch without an index entry for one outside of any transaction, and show it.
func repairSegment(dir string, base int64, fn func(batch)) (truncated bool, err error) {
	path := segmentFile(dir, base)
	raw, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	var index []byte
	end := 0
	for {
		b, ok := decodeBatch(raw[end:])
		if !ok {
			break
		}
		fn(b)
		index = append(index, b.index()...)
		end += b.size
	}
	if truncated = end < len(raw); truncated {
		if err := os.Truncate(path, int64(end)); err != nil {
			return false, err
		}
	}
	return truncated, writeAt(indexFile(dir, base), 0, index)
}

// appendBatch adds raw, one encoded batch, to the segment and to its index.
func appendBatch(dir string, base int64, raw []byte) error {
	b, ok := decodeBatch(raw)
	if !ok {
		return errors.New("append a batch that cannot be read")
	}
	for path, content := range map[string][]byte{segmentFile(dir, base): raw, indexFile(dir, base): b.index()} {
		size, err := fileSize(path)
		if err != nil {
			return err
		}
		if err := writeAt(path, size, content); err != nil {
			return err
		}
	}
	return nil
}

// endMarker encodes the control batch that ends the transaction of a producer.
func endMarker(offset int64, leaderEpoch int32, producer int64, epoch int16, commit bool, now time.Time) []byte {
	key := kmsg.ControlRecordKey{Type: kmsg.ControlRecordKeyTypeAbort}
	if commit {
		key.Type = kmsg.ControlRecordKeyTypeCommit
	}
	value := kmsg.EndTxnMarker{}
	record := kmsg.Record{Key: key.AppendTo(nil), Value: value.AppendTo(nil)}
	record.Length = int32(len(record.AppendTo(nil)) - 1) // without the length itself, which is one byte
	b := kmsg.RecordBatch{
		FirstOffset:          offset,
		PartitionLeaderEpoch: leaderEpoch,
		Magic:                2,
		Attributes:           transactional | control,
		FirstTimestamp:       now.UnixMilli(),
		MaxTimestamp:         now.UnixMilli(),
		ProducerID:           producer,
		ProducerEpoch:        epoch,
		FirstSequence:        -1,
		NumRecords:           1,
		Records:              record.AppendTo(nil),
	}
	return seal(b.AppendTo(nil))
}

// seal sets the length and the checksum of an encoded batch.
func seal(raw []byte) []byte {
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], castagnoli))
	return raw
}

// partitions returns the directories of the partitions.
func partitions(logDir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(logDir, "partitions"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, entry := range entries {
		if entry.IsDir() {
			dirs = append(dirs, filepath.Join(logDir, "partitions", entry.Name()))
		}
	}
	return dirs, nil
}

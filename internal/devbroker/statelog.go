package devbroker

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
)

// The logs of kfake's state, in its data directory. An entry is the length of what follows the checksum, the checksum, the
// version, both little-endian, and JSON.
const (
	producersLog = "pids.log"
	groupsLog    = "groups.log"

	entryHeader  = 10
	entryVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// producerEntry is an entry of the producers' log.
type producerEntry struct {
	Type    string `json:"type"` // init, endtx, timeout
	ID      int64  `json:"pid"`
	Epoch   int16  `json:"epoch"`
	TxnID   string `json:"txid,omitempty"`
	Timeout int32  `json:"timeout,omitempty"`
	Commit  *bool  `json:"commit,omitempty"`
}

// commitEntry is an entry of the groups' log.
type commitEntry struct {
	Type        string  `json:"type"` // commit
	Group       string  `json:"g"`
	Topic       string  `json:"t,omitempty"`
	Partition   int32   `json:"p,omitempty"`
	Offset      int64   `json:"o,omitempty"`
	LeaderEpoch int32   `json:"e,omitempty"`
	Metadata    *string `json:"m,omitempty"`
	CommittedAt int64   `json:"lc"` // Unix milliseconds
}

// readStateLog calls fn with the position and the content of each entry, and returns where the readable entries end.
func readStateLog(path string, fn func(position int64, content []byte) error) (end int64, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for {
		content, size := decodeEntry(raw[end:])
		if size == 0 {
			return end, nil
		}
		if err := fn(end, content); err != nil {
			return end, err
		}
		end += int64(size)
	}
}

// decodeEntry returns the content of the first entry and its size, 0 when there is no complete one.
func decodeEntry(raw []byte) (content []byte, size int) {
	if len(raw) < entryHeader {
		return nil, 0
	}
	size = 8 + int(binary.LittleEndian.Uint32(raw))
	if size < entryHeader || size > len(raw) {
		return nil, 0
	}
	if crc32.Checksum(raw[8:size], castagnoli) != binary.LittleEndian.Uint32(raw[4:]) {
		return nil, 0
	}
	return raw[entryHeader:size], size
}

func encodeEntry(v any) ([]byte, error) {
	content, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	raw := append(make([]byte, entryHeader), content...)
	binary.LittleEndian.PutUint32(raw, uint32(len(raw)-8))
	binary.LittleEndian.PutUint16(raw[8:], entryVersion)
	binary.LittleEndian.PutUint32(raw[4:], crc32.Checksum(raw[8:], castagnoli))
	return raw, nil
}

// appendStateLog cuts what is unreadable at the end of the log and appends entries.
func appendStateLog[E any](path string, entries []E) error {
	if len(entries) == 0 {
		return nil
	}
	var raw []byte
	for _, e := range entries {
		encoded, err := encodeEntry(e)
		if err != nil {
			return err
		}
		raw = append(raw, encoded...)
	}
	end, err := readStateLog(path, func(int64, []byte) error { return nil })
	if err != nil {
		return err
	}
	return writeAt(path, end, raw)
}

// writeAt replaces what follows position, durably.
func writeAt(path string, position int64, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Truncate(position); err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err := f.WriteAt(content, position); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

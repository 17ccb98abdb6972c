package dedup

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/eventim-go/eventim/internal/statestore"
)

// ID stands for the id of a command: 128 bits of a digest, evenly distributed.
// Two commands with one ID are one command here. With 86,400,000 ids of a day, the
// odds that any two meet by chance are 1 to 10^23; a sender who wants that two of
// his own meet needs 2^64 attempts, and to meet that of another one, some 2^100.
type ID [16]byte

// IDOf is the ID of a command, which belongs to its aggregate.
func IDOf(aggregate, command string) ID {
	b := make([]byte, 0, 128)
	b = binary.AppendUvarint(b, uint64(len(aggregate)))
	b = append(append(b, aggregate...), command...)
	sum := sha256.Sum256(b)
	return ID(sum[:])
}

// Entry is what is kept of the answer to a command.
type Entry struct {
	Time    int64 // when it was given, in Unix milliseconds
	Version int64 // of the aggregate
	Offset  int64 // of the result; -1 when it cannot be read any more
	Size    int64 // bytes of the value of the result
	Check   Check
}

// Check is the beginning of the digest of what the command asked for. It tells
// nearly all others apart without a look at the result, which has the whole one.
type Check [4]byte

// ErrEntry is an entry, or a filter, that cannot be read.
var ErrEntry = fmt.Errorf("%w: what is kept of an answer cannot be read", statestore.ErrBroken)

// appendTo appends the entry of a bucket that ends at end: the numbers are small.
func (e Entry) appendTo(b []byte, end int64) []byte {
	b = append(b, e.Check[:]...)
	b = binary.AppendUvarint(b, uint64(end-e.Time))
	b = binary.AppendUvarint(b, uint64(e.Version))
	b = binary.AppendUvarint(b, uint64(e.Offset+1))
	return binary.AppendUvarint(b, uint64(e.Size))
}

func decodeEntry(b []byte, end int64) (e Entry, err error) {
	if len(b) < len(e.Check) {
		return e, ErrEntry
	}
	rest := b[copy(e.Check[:], b):]
	for _, field := range []*int64{&e.Time, &e.Version, &e.Offset, &e.Size} {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return e, ErrEntry
		}
		*field, rest = int64(v), rest[n:] //nolint:gosec // as appendTo wrote it
	}
	if len(rest) > 0 {
		return e, ErrEntry
	}
	e.Time, e.Offset = end-e.Time, e.Offset-1
	return e, nil
}

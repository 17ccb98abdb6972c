package web

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/eventim-go/eventim/eventim"
)

// offsets are the next offsets to read of a topic, by partition.
type offsets []int64

// token is how far a connection has been told everything: the cluster and the
// topics whose offsets these are, and the next offsets of the results and the
// snapshots. Clients keep it without looking inside.
type token struct {
	epoch     string
	results   offsets
	snapshots offsets
}

const (
	tokenVersion  = 1
	maxEpoch      = 255
	maxPartitions = 4096
)

// String writes the token for a frame.
func (t token) String() string {
	b := make([]byte, 0, 2+len(t.epoch)+4*(len(t.results)+len(t.snapshots)))
	b = append(b, tokenVersion)
	b = binary.AppendUvarint(b, uint64(len(t.epoch)))
	b = append(b, t.epoch...)
	b = t.results.append(b)
	b = t.snapshots.append(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func (o offsets) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(o)))
	for _, next := range o {
		b = binary.AppendUvarint(b, uint64(next)) //nolint:gosec // offsets are not negative
	}
	return b
}

func (t token) clone() token {
	return token{t.epoch, slices.Clone(t.results), slices.Clone(t.snapshots)}
}

var errToken = errors.New("the token is not one that this server gave out")

// parseToken reads what String wrote. The input is a stranger's.
func parseToken(s string) (token, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) == 0 || b[0] != tokenVersion {
		return token{}, errToken
	}
	r := tokenReader{rest: b[1:]}
	t := token{epoch: string(r.bytes(r.count(maxEpoch))), results: r.offsets(), snapshots: r.offsets()}
	if r.bad || len(r.rest) > 0 {
		return token{}, errToken
	}
	return t, nil
}

// tokenReader reads to the first mistake and remembers it.
type tokenReader struct {
	rest []byte
	bad  bool
}

func (r *tokenReader) int() int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<62 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int64(v) //nolint:gosec // bounded above
}

// count reads a length of at most limit, so that a stranger cannot make us
// reserve memory.
func (r *tokenReader) count(limit int64) int {
	v := r.int()
	if v > limit || v > int64(len(r.rest)) {
		r.bad = true
		return 0
	}
	return int(v)
}

func (r *tokenReader) bytes(n int) []byte {
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *tokenReader) offsets() offsets {
	o := make(offsets, r.count(maxPartitions))
	for p := range o {
		o[p] = r.int()
	}
	return o
}

// offsetsOf requires what Kafka guarantees: partitions 0 to n-1.
func offsetsOf(topic string, positions eventim.Positions) (offsets, error) {
	o := make(offsets, len(positions))
	for p, next := range positions {
		if int(p) >= len(o) {
			return nil, fmt.Errorf("ends of %s: %d partitions, and one is number %d", topic, len(o), p)
		}
		o[p] = next
	}
	return o, nil
}

// within reports whether o is nowhere beyond other, which has the same
// partitions.
func (o offsets) within(other offsets) bool {
	if len(o) != len(other) {
		return false
	}
	for p, next := range o {
		if next > other[p] {
			return false
		}
	}
	return true
}

// advance notes that rec was read.
func (o offsets) advance(rec eventim.Record) error {
	p := rec.Position.Partition
	if int(p) >= len(o) {
		return fmt.Errorf("partition %d of %s is new: restart this process", p, rec.Topic)
	}
	o[p] = rec.Position.Offset + 1
	return nil
}

// positions is o for package eventim.
func (o offsets) positions() eventim.Positions {
	positions := make(eventim.Positions, len(o))
	for p, next := range o {
		positions[int32(p)] = next //nolint:gosec // at most maxPartitions
	}
	return positions
}

// distance counts the offsets from o to end, and reports whether both have
// the same partitions.
func (o offsets) distance(end offsets) (n int64, ok bool) {
	for p := range min(len(o), len(end)) {
		n += max(end[p]-o[p], 0)
	}
	return n, len(o) == len(end)
}

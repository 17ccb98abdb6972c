package main

import (
	"encoding/binary"
	"hash"
)

// murmur2 is the hash of Java's default partitioner. goka's own default would
// put the table into other partitions than the commands.
type murmur2 struct{ data []byte }

func newMurmur2() hash.Hash32 { return new(murmur2) }

func (m *murmur2) Write(p []byte) (int, error) { m.data = append(m.data, p...); return len(p), nil }
func (m *murmur2) Sum(b []byte) []byte         { return binary.BigEndian.AppendUint32(b, m.Sum32()) }
func (m *murmur2) Reset()                      { m.data = m.data[:0] }
func (m *murmur2) Size() int                   { return 4 }
func (m *murmur2) BlockSize() int              { return 1 }

func (m *murmur2) Sum32() uint32 {
	const factor, shift = 0x5bd1e995, 24
	data := m.data
	h := 0x9747b28c ^ uint32(len(data)) //nolint:gosec // a key is short
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * factor
		h = h*factor ^ (k^k>>shift)*factor
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * factor
	}
	h = (h ^ h>>13) * factor
	return (h ^ h>>15) & 0x7fffffff
}

package dedup

import (
	"encoding/binary"
	"math/bits"
)

// filter is a split block Bloom filter: whatever was added is there, and of what
// was not, up to one in a thousand seems to be. Adding and looking up touch one
// cache line. IDs are digests, so that their bits are the hashes.
type filter struct {
	blocks []block
	ids    int // how many were added
}

// block has one bit in each of its words for each id that was added to it.
type block [8]uint64

const (
	bitsOfID  = 16 // in a filter that is full
	blockSize = 64 // bytes
	idsABlock = blockSize * 8 / bitsOfID
)

func newFilter(ids int) filter {
	return filter{blocks: make([]block, (ids+idsABlock-1)/idsABlock)}
}

func (f *filter) full() bool { return f.ids >= len(f.blocks)*idsABlock }

// place is the block of an id, and 48 bits that name a bit in each of its words.
func (f *filter) place(id *ID) (*block, uint64) {
	n, _ := bits.Mul64(binary.LittleEndian.Uint64(id[:8]), uint64(len(f.blocks)))
	return &f.blocks[n], binary.LittleEndian.Uint64(id[8:])
}

func (f *filter) add(id *ID) {
	b, h := f.place(id)
	for i := range b {
		b[i] |= 1 << (h & 63)
		h >>= 6
	}
	f.ids++
}

func (f *filter) has(id *ID) bool {
	b, h := f.place(id)
	for i := range b {
		if b[i]>>(h&63)&1 == 0 {
			return false
		}
		h >>= 6
	}
	return true
}

package dedup

import "encoding/binary"

// filters are those of a bucket: when one is full, a larger one follows, since
// none can grow.
type filters []filter

const (
	leastFilter = 4 << 10 // ids
	growth      = 4
)

// add adds an id. A bucket is expected to have about so many.
func (f *filters) add(id *ID, expected int) {
	if last := len(*f) - 1; last < 0 || (*f)[last].full() {
		size := max(leastFilter, expected+expected/4)
		if last >= 0 {
			size = growth * (*f)[last].ids
		}
		*f = append(*f, newFilter(size))
	}
	(*f)[len(*f)-1].add(id)
}

func (f filters) has(id *ID) bool {
	for i := range f {
		if f[i].has(id) {
			return true
		}
	}
	return false
}

// ids is how many were added, counting again those that were added again.
func (f filters) ids() (n int) {
	for _, one := range f {
		n += one.ids
	}
	return n
}

const filterFormat = 1

func (f filters) appendTo(b []byte) []byte {
	b = append(b, filterFormat)
	for _, one := range f {
		b = binary.AppendUvarint(b, uint64(one.ids))
		b = binary.AppendUvarint(b, uint64(len(one.blocks)))
		for _, block := range one.blocks {
			for _, word := range block {
				b = binary.LittleEndian.AppendUint64(b, word)
			}
		}
	}
	return b
}

func decodeFilters(b []byte) (f filters, err error) {
	if len(b) == 0 || b[0] != filterFormat {
		return nil, ErrEntry
	}
	for b = b[1:]; len(b) > 0; {
		ids, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, ErrEntry
		}
		blocks, m := binary.Uvarint(b[n:])
		b = b[n+max(m, 0):]
		if m <= 0 || blocks == 0 || blocks > uint64(len(b)/blockSize) || ids > blocks*idsABlock {
			return nil, ErrEntry
		}
		one := filter{make([]block, blocks), int(ids)} //nolint:gosec // bounded above
		for i := range one.blocks {
			for j := range one.blocks[i] {
				one.blocks[i][j] = binary.LittleEndian.Uint64(b)
				b = b[8:]
			}
		}
		f = append(f, one)
	}
	return f, nil
}

package main

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/eventim-go/eventim/internal/dedup"
	"github.com/eventim-go/eventim/internal/statestore"
)

// idAnswer is the answer to a command, as a handler remembers it.
type idAnswer struct {
	aggregate, id         string
	time                  int64
	version, offset, size int64
	digest                [16]byte
}

// answers are those of a window, made as they are wanted: the ids are UUIDs of
// version 7, which most clients send, and those behind n were never answered.
type answers struct {
	n      int
	window time.Duration
}

// idsBegin is when a bucket begins.
var idsBegin = time.UnixMilli(164_815 * 10_800_000)

func (a answers) at(i int) idAnswer {
	random := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // not secret
	at := idsBegin.UnixMilli() + int64(float64(a.window.Milliseconds())*float64(i)/float64(a.n))
	v := idAnswer{
		aggregate: "invoice-" + strconv.Itoa(random.IntN(a.n)),
		id:        uuidAt(at, random).String(),
		time:      at, version: 1 + random.Int64N(20), offset: int64(i + i/50), size: 1000 + random.Int64N(3000),
	}
	binary.LittleEndian.PutUint64(v.digest[:], random.Uint64())
	binary.LittleEndian.PutUint64(v.digest[8:], random.Uint64())
	return v
}

func uuidAt(ms int64, random *rand.Rand) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(ms)<<16|0x7000|random.Uint64()&0xfff) //nolint:gosec // after 1970
	binary.BigEndian.PutUint64(id[8:], 1<<63|random.Uint64()>>2)
	return id
}

// window remembers as a handler does.
type window struct{ *dedup.Window }

func openWindow(s *statestore.Store) (remembering, error) {
	w, err := dedup.Open(s, idsWindow)
	return window{w}, err
}

func (w window) put(write *statestore.Write, a idAnswer) {
	w.Put(write, dedup.IDOf(a.aggregate, a.id), dedup.Entry{
		Time: a.time, Version: a.version, Offset: a.offset, Size: a.size, Check: dedup.Check(a.digest[:]),
	})
}

func (w window) has(a idAnswer) (bool, error) {
	_, found, err := w.Get(dedup.IDOf(a.aggregate, a.id))
	return found, err
}

func (w window) forget(before time.Time) error { return w.Forget(before) }

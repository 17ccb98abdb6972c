package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/eventim-go/eventim/internal/statestore"
)

// format4 remembers as stores of format 4 did, to compare with: an answer under the
// beginning of its id and a digest, and a second key that tells when to forget it.
type format4 struct {
	store      *statestore.Store
	key, value []byte
}

func openFormat4(s *statestore.Store) (remembering, error) { return &format4{store: s}, nil }

const format4ID = 12 + 16

func (f *format4) idOf(a idAnswer) (id [format4ID]byte) {
	b := binary.AppendUvarint(make([]byte, 0, 128), uint64(len(a.aggregate)))
	sum := sha256.Sum256(append(append(b, a.aggregate...), a.id...))
	copy(id[:12], a.id)
	copy(id[12:], sum[:])
	return id
}

func (f *format4) put(w *statestore.Write, a idAnswer) {
	id := f.idOf(a)
	f.value = append(f.value[:0], 2)
	for _, v := range []int64{a.time, a.version, a.offset, a.size} {
		f.value = binary.AppendVarint(f.value, v)
	}
	f.value = append(f.value, a.digest[:]...)
	f.key = append(append(f.key[:0], 'c'), id[:]...)
	w.Set(f.key, f.value)
	f.key = append(binary.BigEndian.AppendUint64(append(f.key[:0], 't'), uint64(a.time)), id[:]...) //nolint:gosec // after 1970
	w.Set(f.key, nil)
}

func (f *format4) has(a idAnswer) (bool, error) {
	id := f.idOf(a)
	f.key = append(append(f.key[:0], 'c'), id[:]...)
	_, found, err := f.store.Get(f.key)
	return found, err
}

// forget forgets in portions, as batches of 500 commands did it.
func (f *format4) forget(before time.Time) (err error) {
	for from := []byte{'t'}; from != nil && err == nil; {
		from, err = f.portion(from, before)
	}
	return err
}

// portion forgets some, and returns where the next are.
func (f *format4) portion(from []byte, before time.Time) (next []byte, err error) {
	const portion = 1000
	errEnough := errors.New("as many as were wanted")
	to := binary.BigEndian.AppendUint64([]byte{'t'}, uint64(before.UnixMilli())) //nolint:gosec // after 1970
	w, n := f.store.Begin(0), 0
	err = f.store.Scan(from, to, func(key, _ []byte) error {
		if n == portion {
			next = bytes.Clone(key)
			return errEnough
		}
		answer := append([]byte{'c'}, key[9:]...)
		if _, found, err := f.store.Get(answer); err == nil && found {
			w.Delete(answer)
		}
		w.Delete(key)
		n++
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, errors.Join(err, w.Discard())
	}
	return next, w.Commit()
}

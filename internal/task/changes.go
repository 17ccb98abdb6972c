package task

import (
	"bytes"
	"maps"
	"slices"
)

// changes are what a batch has done to the store, which does not have it yet: the
// new value of a key, nil where it is deleted.
type changes map[string][]byte

// Get returns a value: as this batch left it, else as it is committed.
func (s *Scope) Get(key []byte) ([]byte, bool, error) {
	if value, changed := s.changes[string(key)]; changed {
		return value, value != nil, nil
	}
	return s.store.Get(key)
}

// Put sets a value.
func (s *Scope) Put(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	s.change(key, value)
}

// Delete deletes a key, whether it is there or not.
func (s *Scope) Delete(key []byte) { s.change(key, nil) }

func (s *Scope) change(key, value []byte) {
	if s.changes == nil {
		s.changes = changes{}
	}
	s.changes[string(key)] = value
}

// Scan calls fn with what is in [from, to), in order of the keys, with what this
// batch has changed before the scan began. Keys and values are valid during the call
// only.
func (s *Scope) Scan(from, to []byte, fn func(key, value []byte) error) error {
	mine := s.changes.within(from, to)
	next := func(before []byte) error { // what this batch has put before a key of the store; nil: all
		for len(mine) > 0 && (before == nil || bytes.Compare(mine[0].key, before) < 0) {
			c := mine[0]
			mine = mine[1:]
			if c.value == nil {
				continue
			}
			if err := fn(c.key, c.value); err != nil {
				return err
			}
		}
		return nil
	}
	err := s.store.Scan(from, to, func(key, value []byte) error {
		if err := next(key); err != nil {
			return err
		}
		if len(mine) > 0 && bytes.Equal(mine[0].key, key) {
			return nil // the batch's own comes with what is before the next one
		}
		return fn(key, value)
	})
	if err != nil {
		return err
	}
	return next(nil)
}

type change struct{ key, value []byte }

func (c changes) within(from, to []byte) []change {
	var all []change
	for _, key := range slices.Sorted(maps.Keys(c)) {
		if k := []byte(key); bytes.Compare(k, from) >= 0 && bytes.Compare(k, to) < 0 {
			all = append(all, change{k, c[key]})
		}
	}
	return all
}

package statestore

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func created(t *testing.T, fs vfs.FS) *Store {
	t.Helper()
	s, err := Create("store", Identity{Partition: 1, Format: 4}, Options{Logger: slog.New(slog.DiscardHandler), FS: fs}, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A store with the marks of two writes lacks what was between them, and is not
// opened.
func TestTwoMarks(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s := created(t, fs)
	for range 3 {
		if err := s.SetJSON(MetaKey('c'), 1); err != nil {
			t.Fatal(err)
		}
	}
	open := func() error {
		s, err := Open("store", Identity{Partition: 1, Format: 4}, Options{Logger: slog.New(slog.DiscardHandler), FS: fs})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	if err := s.db.Set(writeKey(1), nil, pebble.Sync); err != nil { // as the list of an earlier time has it
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(); !errors.Is(err, ErrBroken) {
		t.Errorf("a store with two marks: %v, want it refused", err)
	}
}

// Why a store is not used is said in words: each upgrade that changes it is read
// by an operator.
func TestStoreOfAnotherIdentity(t *testing.T) {
	t.Parallel()
	s := created(t, vfs.NewMem())
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for want, other := range map[string]Identity{
		"its states are of revision 0, and this program has revision 2":           {Partition: 1, Revision: 2},
		"it has the format 4, and this program writes the format 5":               {Partition: 1, Format: 5},
		"it is a copy of partition 1, not of 2":                                   {Partition: 2},
		"it is a copy from the cluster , and this one is C":                       {Partition: 1, Cluster: "C"},
		"it is a copy of the snapshots topic when that had the id , and it has T": {Partition: 1, Topic: "T"},
	} {
		err := s.verify(other)
		if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", other, err, want)
		}
	}
}

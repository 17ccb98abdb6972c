package verify

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// storedIn makes a state store of partition 3 with a snapshot that is large
// enough for blocks of its own, and returns the data directory and its table.
func storedIn(t *testing.T) (dir, table string) {
	t.Helper()
	dir = t.TempDir()
	store := filepath.Join(dir, "invoice", "3")
	db, err := pebble.Open(store, &pebble.Options{Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	value := append([]byte{1, 4, 0, 0, 0, 0, 0, 0}, make([]byte, 64<<10)...) // version 2
	for _, key := range []string{"sone", "stwo"} {
		if err := db.Set([]byte(key), value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(store, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("there are the tables %q: %v", tables, err)
	}
	return dir, tables[0]
}

func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path) //nolint:gosec // ours
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/4] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil { //nolint:gosec // ours
		t.Fatal(err)
	}
}

func TestStoresAreRead(t *testing.T) {
	t.Parallel()
	dir, _ := storedIn(t)
	for _, s := range []Store{{Dir: dir}, {Dir: dir, Partitions: []int32{3}}, {Dir: dir, Damaged: []int32{3}}} {
		copies, corrupt, err := readStores(s, "invoice")
		if err != nil || corrupt != 0 || len(copies) != 1 || len(copies[0].States) != 2 || copies[0].States["one"].Version != 2 {
			t.Errorf("%+v: %d copies, %d corrupt, %v", s, len(copies), corrupt, err)
		}
	}
	if copies, _, err := readStores(Store{Dir: dir, Partitions: []int32{1}}, "invoice"); err != nil || len(copies) != 0 {
		t.Errorf("a store was read that was not asked for: %d copies, %v", len(copies), err)
	}
}

// A store that is corrupt is bad news, unless somebody has made it so and its
// handler has not read it since.
func TestCorruptStores(t *testing.T) {
	t.Parallel()
	dir, table := storedIn(t)
	flip(t, table)
	if _, _, err := readStores(Store{Dir: dir}, "invoice"); !pebble.IsCorruptionError(err) {
		t.Errorf("a corrupt store is read: %v", err)
	}
	copies, corrupt, err := readStores(Store{Dir: dir, Damaged: []int32{3}}, "invoice")
	if err != nil || corrupt != 1 || len(copies) != 0 {
		t.Errorf("a damaged store: %d copies, %d corrupt, %v", len(copies), corrupt, err)
	}
}

package statestore

import "github.com/cockroachdb/pebble/v2/vfs"

// unsyncedFS is a file system that never waits for the disk. A state store is
// a copy of Kafka, and a killed process loses nothing. A lost machine may lose
// some files' ends and not others': what is then not whole is found out by
// checksums and by store.follow, and restored from Kafka.
type unsyncedFS struct{ vfs.FS }

func (f unsyncedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(f.FS.Create(name, c))
}

func (f unsyncedFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return unsynced(f.FS.OpenReadWrite(name, c, o...))
}

func (f unsyncedFS) OpenDir(name string) (vfs.File, error) { return unsynced(f.FS.OpenDir(name)) }

func (f unsyncedFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(f.FS.ReuseForWrite(from, to, c))
}

func (f unsyncedFS) Unwrap() vfs.FS { return f.FS }

func unsynced(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error                { return nil }
func (unsyncedFile) SyncData() error            { return nil }
func (unsyncedFile) SyncTo(int64) (bool, error) { return false, nil }

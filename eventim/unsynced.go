package eventim

import (
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// unsyncedFS is a file system that never waits for the disk. A state store is
// a copy of Kafka, and a killed process loses nothing. A lost machine may lose
// some files' ends and not others', and no checksum shows it: the list of the
// tables may be older than the log of what came after them. So a store is used
// only under the kernel that wrote it, and otherwise restored from Kafka.
type unsyncedFS struct{ vfs.FS }

// bootID tells one start of the machine from another. Where the system has
// none, it is empty: there, delete the stores after a power failure.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

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

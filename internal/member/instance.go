// Package member is what makes a process one among others in its group: an identity
// that nobody shares, and the right to end what the dead have left behind. Promise 7
// (a zombie changes nothing) rests on it, with package txn.
package member

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/google/uuid"
)

// Instance is the identity of a handler process: it lives in its data
// directory, so that a restarted process is known to be the same one and may
// end what it left behind, and it is held under a lock, so that no two
// processes share it.
type Instance struct {
	ID   string
	lock *os.File
}

// ErrDirectoryInUse is returned when another handler holds the data directory, of
// this process or of another one; its text says which.
var ErrDirectoryInUse = errors.New("the data directory is in use; give each handler its own")

// held are the lock files of this process, as os.FileInfo by *instance.
var held sync.Map

// holder says who holds a lock file that could not be locked.
func holder(f *os.File) string {
	who := "another process"
	info, err := f.Stat()
	if err != nil {
		return who
	}
	held.Range(func(_, other any) bool {
		if os.SameFile(info, other.(os.FileInfo)) {
			who = "another handler of this process"
			return false
		}
		return true
	})
	return who
}

// Open takes the lock of a data directory and reads who its owner is; a new one gets
// an identity. It fails with ErrDirectoryInUse while somebody else holds the lock.
func Open(dir string) (*Instance, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "instance"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's directory
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	id, err := lockInstance(lock)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s: %w", dir, err), lock.Close())
	}
	i := &Instance{id, lock}
	if info, err := lock.Stat(); err == nil {
		held.Store(i, info)
	}
	return i, nil
}

// lockInstance takes the lock, which the kernel gives back when the process
// ends however it ends, and reads the id or writes a new one.
func lockInstance(f *os.File) (string, error) {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return "", fmt.Errorf("%w: %s has it", ErrDirectoryInUse, holder(f))
	}
	data, err := os.ReadFile(f.Name())
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(data))
	if _, err := uuid.Parse(id); err == nil {
		return id, nil
	}
	return newIdentity(f)
}

func newIdentity(f *os.File) (string, error) {
	id := uuid.NewString()
	if err := f.Truncate(0); err != nil {
		return "", err
	}
	_, err := f.WriteAt([]byte(id+"\n"), 0)
	return id, err
}

// Renew gives the instance another identity, when its directory was copied and
// the copy has taken the old one.
func (i *Instance) Renew() (err error) {
	i.ID, err = newIdentity(i.lock)
	return err
}

func (i *Instance) Close() error {
	held.Delete(i)
	return i.lock.Close()
}

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// orders are the faults that a handler which is built for tests lets happen to
// itself: see on.go of package faultpoint. It reads them from files.
type orders struct{ dir string }

// give gives an order, in place of the last one of that kind.
func (o orders) give(what, order string) error {
	// Renamed, since a handler may look at any time.
	draft := filepath.Join(o.dir, what+".new")
	if err := os.WriteFile(draft, []byte(order), 0o600); err != nil {
		return fmt.Errorf("order a fault: %w", err)
	}
	return os.Rename(draft, filepath.Join(o.dir, what))
}

// crashPending tells whether there is an order to crash: a handler takes it
// away when it does.
func (o orders) crashPending() bool {
	_, err := os.Stat(filepath.Join(o.dir, "crash"))
	return err == nil
}

// withdraw takes an order away. It returns false when the handler has done so
// before.
func (o orders) withdraw(what string) (bool, error) {
	err := os.Remove(filepath.Join(o.dir, what))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("withdraw the order of a fault: %w", err)
	}
	return true, nil
}

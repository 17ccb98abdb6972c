package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// withStore kills a handler, damages one of its state stores, and starts it
// again.
func (n *nemesis) withStore(ctx context.Context, damage func(store string, all []string) error) (string, error) {
	k := n.random.IntN(len(n.handlers))
	p := n.handlers[k]
	all, err := n.storesOf(k)
	if err != nil {
		return "", err
	}
	n.victim(ctx, k)
	if err := p.Kill(); err != nil {
		return "", err
	}
	store := all[n.random.IntN(len(all))]
	if err := damage(store, all); err != nil {
		return "", errors.Join(err, n.startProcess(ctx, p))
	}
	name, _ := filepath.Rel(n.dir, store)
	return name, n.startProcess(ctx, p)
}

// storesOf returns the directories of the state stores of a handler, in order.
func (i *installation) storesOf(k int) ([]string, error) {
	stores, err := filepath.Glob(filepath.Join(i.stores[k], aggregate, "[0-9]*"))
	if err != nil || len(stores) == 0 {
		return nil, fmt.Errorf("find the state stores in %s: %d found: %w", i.stores[k], len(stores), err)
	}
	return stores, nil
}

func (n *nemesis) deleteStore(ctx context.Context) (string, error) {
	return n.withStore(ctx, func(store string, _ []string) error { return os.RemoveAll(store) })
}

// anyFile draws a file of a store that is not empty.
func (n *nemesis) anyFile(store string) (path string, size int64, err error) {
	entries, err := os.ReadDir(store)
	if err != nil {
		return "", 0, err
	}
	for _, i := range n.random.Perm(len(entries)) {
		info, err := entries[i].Info()
		if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			return filepath.Join(store, entries[i].Name()), info.Size(), nil
		}
	}
	return "", 0, fmt.Errorf("%s has no file to damage", store)
}

func (n *nemesis) truncateStore(ctx context.Context) (string, error) {
	return n.withStore(ctx, func(store string, _ []string) error {
		path, size, err := n.anyFile(store)
		if err != nil {
			return err
		}
		n.damaged[store] = true
		return os.Truncate(path, n.random.Int64N(size))
	})
}

func (n *nemesis) flipStore(ctx context.Context) (string, error) {
	return n.withStore(ctx, func(store string, _ []string) error {
		path, _, err := n.anyFile(store)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // of our own store
		if err != nil {
			return err
		}
		for range 8 {
			data[n.random.IntN(len(data))] ^= 1 << n.random.IntN(8)
		}
		n.damaged[store] = true
		return os.WriteFile(path, data, 0o600) //nolint:gosec // of our own store
	})
}

func (n *nemesis) copyStore(ctx context.Context) (string, error) {
	return n.withStore(ctx, func(store string, all []string) error {
		other := all[n.random.IntN(len(all))]
		if other == store {
			return os.RemoveAll(store)
		}
		return replaceDir(store, other)
	})
}

// restoreStore takes a backup the first time, and restores it later.
func (n *nemesis) restoreStore(ctx context.Context) (string, error) {
	return n.withStore(ctx, func(store string, all []string) error {
		for _, s := range all {
			if backup := n.backups[s]; backup != "" {
				return replaceDir(s, backup)
			}
		}
		backup := filepath.Join(n.dir, fmt.Sprint("backup-", len(n.backups)))
		n.backups[store] = backup
		return os.CopyFS(backup, os.DirFS(store))
	})
}

func replaceDir(dir, by string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(by))
}

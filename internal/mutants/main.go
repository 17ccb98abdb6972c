// Command mutants proves that tests defend what the code promises. Each file of patches/ is a small change of the code
// that breaks a promise, and names the test that has to fail with it. The changes are made one by one in a copy of the tree.
//
//	mutants [--changed REV] [--least N] [NAME ...]
//
// Without names it tries all; with --changed those of the files that differ from the commit REV, and at least N. It fails
// when a mutant survives, or can no longer be made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	changed := flag.String("changed", "", "try the mutants of files that have changed since this commit")
	least := flag.Int("least", 10, "with --changed, try at least so many")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, flag.Args(), *changed, *least); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string, changed string, least int) error {
	root, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	all, err := load(filepath.Join(root, "internal", "mutants", "patches"))
	if err != nil {
		return err
	}
	chosen := all
	switch {
	case len(names) > 0:
		chosen = slices.DeleteFunc(slices.Clone(all), func(m mutant) bool { return !slices.Contains(names, m.name) })
	case changed != "":
		if chosen, err = choose(ctx, root, all, changed, least); err != nil {
			return err
		}
	}
	if len(chosen) == 0 {
		return errors.New("there is none of that name")
	}
	tree, err := copyOf(ctx, root)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tree.dir) }()
	return try(ctx, tree, all, chosen)
}

// try makes the mutants one after the other, after it has seen that each of all can still be made.
func try(ctx context.Context, tree tree, all, chosen []mutant) error {
	var bad []string
	for _, m := range all {
		if err := tree.apply(ctx, m, "--check"); err != nil {
			bad = append(bad, fmt.Sprintf("%s cannot be made any more, mend its patch: %v", m.name, err))
		}
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, "\n  "))
	}
	for i, m := range chosen {
		begun := time.Now()
		verdict, err := tree.kill(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s proves nothing: %v", m.name, err))
			continue
		}
		fmt.Printf("%3d/%d %-40s %s by %s %s, %.0f s\n", i+1, len(chosen), m.name, verdict, m.pkg, m.test, time.Since(begun).Seconds())
		if verdict != killed {
			bad = append(bad, fmt.Sprintf("%s %s: %s", m.name, verdict, m.promise))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%d of %d:\n  %s", len(bad), len(chosen), strings.Join(bad, "\n  "))
	}
	fmt.Printf("none of %d mutants is alive\n", len(chosen))
	return nil
}

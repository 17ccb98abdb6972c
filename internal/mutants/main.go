// Command mutants proves that tests defend what the code promises. Each file of patches/ is a small change of the code
// that breaks a promise, and names the test that has to fail with it. Each change is made alone in a copy of the tree.
//
//	mutants [--changed REV] [--least N] [--within D] [NAME ...]
//
// Without names it tries all; with --changed those of the files that differ from the commit REV, and at least N. With
// --within it begins none after that time: which ones it comes to is another choice for each commit, and it says how many
// it did not. It fails when a mutant survives, or can no longer be made.
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

	"golang.org/x/sync/errgroup"
)

func main() {
	changed := flag.String("changed", "", "try the mutants of files that have changed since this commit")
	least := flag.Int("least", 10, "with --changed, try at least so many")
	within := flag.Duration("within", 0, "begin no mutant after this time; 0: try all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, flag.Args(), *changed, *least, *within); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string, changed string, least int, within time.Duration) error {
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
	return try(ctx, root, all, chosen, within)
}

// side is how many mutants are tried at a time: tests that fail by waiting wait while others are compiled.
const side = 2

// try makes the mutants, after it has seen that each of all can still be made.
func try(ctx context.Context, root string, all, chosen []mutant, within time.Duration) error {
	trees, remove, err := copies(ctx, root)
	defer remove()
	if err != nil {
		return err
	}
	if err := check(ctx, trees, all); err != nil {
		return err
	}
	var alive []string
	tried := 0
	for r := range verdicts(ctx, trees, chosen, within) {
		fmt.Println(r.line)
		tried++
		if r.alive {
			alive = append(alive, r.line)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(alive) > 0 {
		return fmt.Errorf("%d of %d:\n  %s", len(alive), tried, strings.Join(alive, "\n  "))
	}
	fmt.Printf("none of %d mutants is alive", tried)
	if left := len(chosen) - tried; left > 0 {
		fmt.Printf("; %d were not tried within %v", left, within)
	}
	fmt.Println()
	return nil
}

// copies makes as many copies of the tree as mutants are tried at a time.
func copies(ctx context.Context, root string) (trees chan tree, remove func(), err error) {
	trees = make(chan tree, side)
	remove = func() {
		close(trees)
		for t := range trees {
			_ = os.RemoveAll(t.dir)
		}
	}
	for range side {
		t, err := copyOf(ctx, root)
		if err != nil {
			return nil, remove, err
		}
		trees <- t
	}
	return trees, remove, nil
}

// result is what became of a mutant; one that proves nothing counts as alive.
type result struct {
	line  string
	alive bool
}

// verdicts tries the mutants, and ends when all are tried, the time is over, or ctx has ended.
func verdicts(ctx context.Context, trees chan tree, chosen []mutant, within time.Duration) <-chan result {
	results, begun := make(chan result), time.Now()
	go func() {
		defer close(results)
		var trying errgroup.Group
		trying.SetLimit(side)
		for i, m := range chosen {
			trying.Go(func() error {
				if within > 0 && time.Since(begun) > within {
					return nil
				}
				t := <-trees
				defer func() { trees <- t }()
				r := judge(ctx, t, m)
				r.line = fmt.Sprintf("%3d/%d %s", i+1, len(chosen), r.line)
				results <- r
				return nil
			})
		}
		_ = trying.Wait()
	}()
	return results
}

// check tells which mutants can no longer be made.
func check(ctx context.Context, trees chan tree, all []mutant) error {
	t := <-trees
	defer func() { trees <- t }()
	var bad []error
	for _, m := range all {
		if err := t.apply(ctx, m, "--check"); err != nil {
			bad = append(bad, fmt.Errorf("%s cannot be made any more, mend its patch: %w", m.name, err))
		}
	}
	return errors.Join(bad...)
}

func judge(ctx context.Context, t tree, m mutant) result {
	begun := time.Now()
	v, err := t.kill(ctx, m)
	if err != nil {
		return result{fmt.Sprintf("%s proves nothing: %v", m.name, err), true}
	}
	line := fmt.Sprintf("%-40s %s by %s %s, %.0f s", m.name, v, m.pkg, m.test, time.Since(begun).Seconds())
	if v != killed {
		return result{line + ": " + m.promise, true}
	}
	return result{line, false}
}

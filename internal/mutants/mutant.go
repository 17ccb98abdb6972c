package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is a change of the code and the test that must not pass with it.
type mutant struct {
	name    string   // of the file, without its ending
	promise string   // what no longer holds with it
	pkg     string   // of the test, as go test names it
	test    string   // the whole name of a test function, or of one of its parts
	files   []string // that it changes
	path    string
}

// load reads all mutants of a directory, in the order of their names.
func load(dir string) ([]mutant, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.patch"))
	if err != nil || len(paths) == 0 {
		return nil, errors.Join(err, fmt.Errorf("no mutants in %s", dir))
	}
	slices.Sort(paths)
	var all []mutant
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		m, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		m.name, m.path = strings.TrimSuffix(filepath.Base(path), ".patch"), path
		all = append(all, m)
	}
	return all, nil
}

// parse reads what stands before the change (the promise in words, then a line «Test: PACKAGE NAME») and which files it
// changes.
func parse(text string) (m mutant, err error) {
	var promise []string
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if file, ok := strings.CutPrefix(line, "+++ b/"); ok {
			m.files = append(m.files, file)
			continue
		}
		if test, ok := strings.CutPrefix(line, "Test: "); ok {
			m.pkg, m.test, _ = strings.Cut(test, " ")
		} else if m.pkg == "" && line != "" {
			promise = append(promise, line)
		}
	}
	m.promise = strings.Join(promise, " ")
	if m.promise == "" || m.pkg == "" || m.test == "" || len(m.files) == 0 {
		return m, errors.New("want the promise, a line «Test: PACKAGE NAME» and a unified diff")
	}
	return m, lines.Err()
}

// choose returns the mutants of the files that have changed since a commit, and more of the others until there are enough:
// other ones for each commit, so that all have their turn.
func choose(ctx context.Context, root string, all []mutant, since string, least int) ([]mutant, error) {
	diff, err := git(ctx, root, "diff", "--name-only", since)
	if err != nil {
		return nil, err
	}
	head, err := git(ctx, root, "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	return pick(all, strings.Fields(diff), head, least), nil
}

func pick(all []mutant, changed []string, head string, least int) []mutant {
	var chosen, others []mutant
	for _, m := range all {
		if slices.ContainsFunc(m.files, func(f string) bool { return slices.Contains(changed, f) }) {
			chosen = append(chosen, m)
		} else {
			others = append(others, m)
		}
	}
	first := 0
	for _, c := range head {
		first += int(c)
	}
	if n := len(chosen); n > 0 { // another one comes first for each commit
		chosen = slices.Concat(chosen[first%n:], chosen[:first%n])
	}
	for i := range min(max(least-len(chosen), 0), len(others)) {
		chosen = append(chosen, others[(first+i)%len(others)])
	}
	return chosen
}

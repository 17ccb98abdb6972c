package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tree is a copy of the sources, in which mutants are made.
type tree struct{ dir string }

// copyOf copies the files of a work tree that git knows or would take, as they are now.
func copyOf(ctx context.Context, root string) (tree, error) {
	list, err := git(ctx, root, "ls-files", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return tree{}, err
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return tree{}, err
	}
	for name := range strings.SplitSeq(list, "\n") {
		if err := copyFile(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			return tree{}, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return tree{dir}, nil
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.IsDir() { // removed, but not from the index
		return nil
	}
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm()) //nolint:gosec // git names the files of our own work tree
}

// verdict is what became of a mutant.
type verdict string

const (
	killed   verdict = "killed"
	survived verdict = "SURVIVED"
)

// kill makes the mutant, runs its test, and unmakes it. A mutant that does not compile, or whose test does not exist, is an
// error: it proves nothing.
func (t tree) kill(ctx context.Context, m mutant) (_ verdict, err error) {
	if err := t.apply(ctx, m); err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, t.apply(context.WithoutCancel(ctx), m, "--reverse"))
	}()
	// A test that would wait for ever is a test that has failed. Without -trimpath, where a copy is would be part of what
	// is built, and each copy would build everything.
	out, err := t.goTool(ctx, "test", "-trimpath", "-vet=off", "-run", pattern(m.test), "-count=1", "-timeout=3m", m.pkg)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	switch _, failed := errors.AsType[*exec.ExitError](err); {
	case bytes.Contains(out, []byte("[build failed]")), bytes.Contains(out, []byte("[setup failed]")):
		return "", fmt.Errorf("it does not compile:\n%s", out)
	case failed:
		return killed, nil
	case bytes.Contains(out, []byte("no tests to run")):
		return "", fmt.Errorf("there is no test %s in %s", m.test, m.pkg)
	}
	return survived, err
}

// pattern matches one test alone, or one of its parts.
func pattern(test string) string {
	return "^" + strings.ReplaceAll(test, "/", "$/^") + "$"
}

func (t tree) apply(ctx context.Context, m mutant, options ...string) error {
	_, err := git(ctx, t.dir, append(append([]string{"apply", "-C1", "--recount"}, options...), m.path)...)
	return err
}

func (t tree) goTool(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "EVENTIM_TEST_PATIENCE=20s") // what waits here nearly always waits in vain
	return cmd.CombinedOutput()
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	// A repository above the copy is none of its business.
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

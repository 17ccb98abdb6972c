package eventim_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
)

// exampleT lets an example, which has no testing.T, use eventimtest.
type exampleT struct {
	testing.TB // panics for what an example does not need
	ctx        context.Context
	cleanups   []func()
}

func (t *exampleT) Helper()                        {}
func (t *exampleT) Context() context.Context       { return t.ctx }
func (t *exampleT) Cleanup(f func())               { t.cleanups = append(t.cleanups, f) }
func (t *exampleT) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func (t *exampleT) TempDir() string {
	dir, err := os.MkdirTemp("", "example")
	must(err)
	t.Cleanup(func() { must(os.RemoveAll(dir)) })
	return dir
}

func (t *exampleT) cleanup() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

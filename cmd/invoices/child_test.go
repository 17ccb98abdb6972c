package main

import (
	"os"
	"testing"

	"github.com/eventim-go/eventim/internal/childtest"
)

// asInvoices makes the test binary the program.
const asInvoices = "EVENTIM_TEST_AS_INVOICES"

func init() {
	if os.Getenv(asInvoices) != "" {
		main()
	}
}

// start runs the program; env are assignments NAME=value.
func start(t *testing.T, env []string, args ...string) *childtest.Process {
	t.Helper()
	return childtest.Start(t, append([]string{asInvoices + "=1"}, env...), args...)
}

// run runs the program to its end.
func run(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := start(t, env, args...)
	code = c.Wait(t)
	return code, c.Stdout.String(), c.Stderr.String()
}

// Package fleet runs the parts of the invoicing product as processes of their
// own, as in production, and lets faults happen to them.
package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Fleet is what its processes share.
type Fleet struct {
	Binary string   // of cmd/invoices
	Dir    string   // for the logs and the data directories
	Env    []string // NAME=value, added to that of this process
}

// Build compiles the production binary into dir, with more arguments for go
// build, such as -race, and returns its path.
func Build(ctx context.Context, dir string, flags ...string) (string, error) {
	path := filepath.Join(dir, "invoices")
	args := append([]string{"build", "-o", path}, flags...)
	args = append(args, "github.com/eventim-go/eventim/cmd/invoices")
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil { //nolint:gosec // our own arguments
		return "", fmt.Errorf("build cmd/invoices: %w\n%s", err, out)
	}
	return path, nil
}

// Run runs a command that ends by itself. The error has what it wrote.
func (f *Fleet) Run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, f.Binary, args...) //nolint:gosec // see Build
	cmd.Env = append(os.Environ(), f.Env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("invoices %v: %w\n%s", args, err, out)
	}
	return nil
}

// Process returns a process that has not been started. Its log is the file
// <name>.log of Dir; all its starts add to it.
func (f *Fleet) Process(name string, args ...string) *Process {
	return &Process{Name: name, fleet: f, args: args}
}

// LogFile is where a process logs.
func (p *Process) LogFile() string { return filepath.Join(p.fleet.Dir, p.Name+".log") }

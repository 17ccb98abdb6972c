package devpostgres

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// When root works below its home directory, the user as whom postgres runs cannot enter dir. The data then live under
// systemDir, and a file in dir names the place: who deletes dir gets a new, empty cluster, as anywhere else.
const (
	systemDir    = "/var/lib/eventim"
	locationFile = "location"
)

// relocated returns where the data of dir are.
func relocated(dir string) (string, error) {
	location, err := os.ReadFile(filepath.Join(dir, locationFile))
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(location)), nil
}

func relocate(dir string, logger *slog.Logger) (string, error) {
	if err := os.MkdirAll(systemDir, 0o755); err != nil { //nolint:gosec // postgres runs as another user
		return "", err
	}
	location, err := os.MkdirTemp(systemDir, "postgres-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(location, 0o755); err != nil { //nolint:gosec // postgres runs as another user
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, locationFile), []byte(location+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("remember where the data are: %w", err)
	}
	logger.Warn("postgres does not run as root and cannot enter the data directory, its data are elsewhere",
		slog.String("dir", dir), slog.String("location", location))
	return location, nil
}

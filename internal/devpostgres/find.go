package devpostgres

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// install is a directory that contains postgres and initdb.
type install struct {
	bin   string
	major int
}

const oldestMajor = 13

var binGlobs = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // Red Hat, from the Postgres project
	"/usr/lib/postgresql*/bin",  // SUSE
	"/usr/libexec/postgresql*",  // Alpine
	"/usr/local/pgsql/bin",      // built from source
	"/usr/local/opt/postgresql*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/opt/local/lib/postgresql*/bin", // MacPorts
}

// find lists the usable installs, best first: those of the system, newest first, then the one that Ensure got from npm.
func find(ctx context.Context) []install {
	var found []install
	for _, dir := range systemDirs(ctx) {
		if in, ok := probe(ctx, dir); ok {
			found = append(found, in)
		}
	}
	slices.SortStableFunc(found, func(a, b install) int { return cmp.Compare(b.major, a.major) })
	if cache, err := cacheDir(); err == nil {
		if in, ok := probe(ctx, npmBin(cache)); ok {
			found = append(found, in)
		}
	}
	return found
}

func systemDirs(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, glob := range binGlobs {
		matches, _ := filepath.Glob(glob) // the patterns are constants and well-formed
		dirs = append(dirs, matches...)
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func probe(ctx context.Context, dir string) (install, bool) {
	// /usr/local/bin/postgres may be a link to a directory that has initdb beside it.
	postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return install{}, false
	}
	bin := filepath.Dir(postgres)
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return install{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return install{}, false
	}
	major, ok := parseMajor(string(out))
	return install{bin: bin, major: major}, ok && major >= oldestMajor
}

func parseMajor(version string) (int, bool) {
	m := versionPattern.FindStringSubmatch(version)
	if m == nil {
		return 0, false
	}
	major, err := strconv.Atoi(m[1])
	return major, err == nil
}

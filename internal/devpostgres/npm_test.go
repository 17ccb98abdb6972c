package devpostgres

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLinkCreatesTheLinksOfAPackage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "native", "lib", "libpq.so.5.18"), "library")
	write(t, filepath.Join(dir, "native", "pg-symlinks.json"),
		`[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]`)
	for range 2 { // the second time they exist
		if err := link(dir); err != nil {
			t.Fatalf("link: %v", err)
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "native", "lib", "libpq.so.5"))
	if err != nil || string(got) != "library" {
		t.Errorf("the linked file: got %q, %v", got, err)
	}
}

func TestLinkStaysInThePackage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "package", "native", "pg-symlinks.json"), `[{"source":"native/a","target":"../escaped"}]`)
	if err := link(filepath.Join(dir, "package")); err == nil {
		t.Error("link: got no error for a target outside of the package")
	}
	if _, err := os.Lstat(filepath.Join(dir, "escaped")); err == nil {
		t.Error("a link outside of the package was created")
	}
}

func TestParseMajor(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": 15,
		"postgres (PostgreSQL) 18beta1":                        18,
		"postgres (EnterpriseDB) x":                            0,
	} {
		if got, ok := parseMajor(version); got != want || ok != (want != 0) {
			t.Errorf("parseMajor(%q) = %d, %v, want %d", version, got, ok, want)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

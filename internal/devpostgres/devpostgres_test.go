package devpostgres_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/internal/devpostgres"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

// The test binary is also the parent that some tests kill: it serves the directory of this variable until its end.
const childDir = "DEVPOSTGRES_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(serve(dir))
	}
	goleak.VerifyTestMain(m)
}

func serve(dir string) int {
	server, err := devpostgres.Start(context.Background(), devpostgres.Config{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(server.URL())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test that owns the other end is gone
	return 0
}

func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	first := start(t, dir)
	execute(t, first.URL(), "create table kept as select 42 as n")
	if err := first.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	select {
	case <-first.Done():
	default:
		t.Error("Done is not closed after Close")
	}

	second := start(t, dir)
	if got, want := query(t, second.URL(), "select n from kept"), 42; got != want {
		t.Errorf("after a restart: got %d, want %d", got, want)
	}
	if got, want := second.URL(), first.URL(); got != want {
		t.Errorf("URL after a restart: got %s, want %s", got, want)
	}
}

func TestDirectoryHasOneServer(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	start(t, dir)
	_, err := devpostgres.Start(t.Context(), devpostgres.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("second server on one directory: got %v, want a refusal", err)
	}
}

func TestDoneTellsOfAServerThatDied(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	server := start(t, dir)
	kill(t, serverPid(t, dir))
	await(t, server.Done())
	if err := server.Close(); err != nil {
		t.Errorf("close a server that died: %v", err)
	}
}

func TestStartAfterEverythingWasKilled(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	parent, url := startChild(t, dir)
	execute(t, url, "create table kept as select 42 as n")
	kill(t, serverPid(t, dir))
	parent.Signal(os.Kill)

	if got, want := query(t, start(t, dir).URL(), "select n from kept"), 42; got != want {
		t.Errorf("after the kill: got %d, want %d", got, want)
	}
}

func TestServerDoesNotOutliveItsParent(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	parent, url := startChild(t, dir)
	execute(t, url, "create table kept as select 42 as n")
	parent.Signal(os.Kill)

	// Where the kernel does not stop the orphan, Start does; where it does, Start waits for its end.
	if got, want := query(t, start(t, dir).URL(), "select n from kept"), 42; got != want {
		t.Errorf("after the kill: got %d, want %d", got, want)
	}
}

func TestStartStopsAnOrphan(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	first := start(t, dir)
	orphan := serverPid(t, dir)
	// A lock file of its own lets a second Start believe that the parent is gone.
	if err := os.Rename(filepath.Join(dir, "lock"), filepath.Join(dir, "old-lock")); err != nil {
		t.Fatal(err)
	}

	second := start(t, dir)
	await(t, first.Done())
	if got := serverPid(t, dir); got == orphan {
		t.Errorf("the orphan %d still serves", orphan)
	}
	if got, want := query(t, second.URL(), "select 1"), 1; got != want {
		t.Errorf("query: got %d, want %d", got, want)
	}
}

func TestPidFileThatNamesAnotherProgram(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	if err := start(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	stale := fmt.Sprintf("%d\n%s\n1700000000\n5432\n\n127.0.0.1\n", os.Getpid(), filepath.Join(dir, "data"))
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	chownLike(t, filepath.Join(dir, "data"), filepath.Join(dir, "data", "postmaster.pid"))

	if got, want := query(t, start(t, dir).URL(), "select 1"), 1; got != want {
		t.Errorf("query: got %d, want %d", got, want)
	}
}

func TestDataOfAnotherMajorVersionAreRefused(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	version := filepath.Join(dir, "data", "PG_VERSION")
	if err := os.Mkdir(filepath.Dir(version), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(version, []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := devpostgres.Start(t.Context(), devpostgres.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "the data are of Postgres 9") {
		t.Errorf("start: got %v, want a refusal", err)
	}
	if _, err := os.Stat(version); err != nil {
		t.Errorf("the data were touched: %v", err)
	}
}

func TestDirectoryThatIsNoClusterIsRefused(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	precious := filepath.Join(dir, "data", "precious")
	if err := os.MkdirAll(precious, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := devpostgres.Start(t.Context(), devpostgres.Config{Dir: dir}); err == nil {
		t.Error("start: got no error, want a refusal")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("a stranger's files were removed: %v", err)
	}
}

func start(t *testing.T, dir string) *devpostgres.Server {
	t.Helper()
	server, err := devpostgres.Start(t.Context(), devpostgres.Config{Dir: dir})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return server
}

// startChild starts a process that starts a server, and returns it with the server's URL.
func startChild(t *testing.T, dir string) (*childtest.Process, string) {
	t.Helper()
	child := childtest.Start(t, []string{childDir + "=" + dir})
	url := child.Line(t)
	if !strings.HasPrefix(url, "postgres://") {
		t.Fatalf("the child did not start: %q", url)
	}
	return child, url
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func query(t *testing.T, url, sql string) int {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(context.WithoutCancel(t.Context()))
	var n int
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return conn
}

func serverPid(t *testing.T, dir string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("the server did not end")
	}
}

func chownLike(t *testing.T, model, path string) {
	t.Helper()
	info, err := os.Stat(model)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
}

package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/embedded"
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// temporaries lists what servers have left in a test's own temporary directory.
func temporaries(t *testing.T) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "eventim-embedded-*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestServersWithoutADirectoryLeaveNothing(t *testing.T) {
	t.Setenv("TMPDIR", pgtest.Dir(t))
	b, err := embedded.StartBroker(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := embedded.StartPostgres(t.Context(), embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(temporaries(t)); n != 2 {
		t.Errorf("there are %d directories, want 2", n)
	}
	if id, err := eventim.ClusterID(t.Context(), b.Kafka()); err != nil || id == "" {
		t.Errorf("the cluster is %q, %v", id, err)
	}
	seen := map[string]bool{}
	for range 2 {
		address, err := p.NewDatabase(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen[database(t, address)] = true
	}
	if seen[database(t, p.URL())] = true; len(seen) != 3 {
		t.Errorf("got the databases %v, want three", seen)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	<-p.Done()
	if left := temporaries(t); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func database(t *testing.T, address string) (name string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), `select current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestABrokerIsTheSameAtItsNextStart(t *testing.T) {
	dir := t.TempDir()
	var ids []string
	for range 2 {
		b, err := embedded.StartBroker(embedded.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		id, err := eventim.ClusterID(t.Context(), b.Kafka())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if ids[0] != ids[1] {
		t.Errorf("the cluster was %s, and is %s", ids[0], ids[1])
	}
}

// Both servers find what they have left in their directory, and what one of them
// has is not in the way of the other.
func TestServersShareADirectory(t *testing.T) {
	dir := pgtest.Dir(t)
	var clusters []string
	for range 2 {
		s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		id, err := eventim.ClusterID(t.Context(), s.Kafka())
		if err != nil {
			t.Error(err)
		}
		clusters = append(clusters, id)
		conn, err := pgx.Connect(t.Context(), s.Postgres.URL())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "create table start_"+strconv.Itoa(len(clusters))+"()"); err != nil {
			t.Error(err)
		}
		var tables int
		err = conn.QueryRow(t.Context(), `select count(*) from pg_tables where schemaname = 'public'`).Scan(&tables)
		if err != nil || tables != len(clusters) {
			t.Errorf("after start %d there are %d tables, error %v", len(clusters), tables, err)
		}
		if err := errors.Join(conn.Close(t.Context()), s.Close()); err != nil {
			t.Error(err)
		}
	}
	if clusters[0] != clusters[1] {
		t.Errorf("the cluster was %s, and is %s", clusters[0], clusters[1])
	}
}

// A start that fails leaves nothing behind that runs, nor a directory.
func TestAStartThatFailsLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", pgtest.Dir(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := embedded.Start(ctx, embedded.Config{}); err == nil {
		t.Errorf("started with a context that has ended, %v", s.Close())
	}
	if left := temporaries(t); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

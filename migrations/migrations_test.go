package migrations_test

import (
	"sync"
	"testing"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestUpIsSafeToCallAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var callers sync.WaitGroup
	for range 3 {
		callers.Go(func() {
			if err := migrations.Up(t.Context(), pool); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	var tables int
	err := pool.QueryRow(t.Context(), `select count(*) from pg_tables where schemaname = 'projector'`).Scan(&tables)
	if err != nil || tables != 5 {
		t.Errorf("got %d tables, error %v; want 5 tables", tables, err)
	}
}

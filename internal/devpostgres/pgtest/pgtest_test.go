package pgtest_test

import (
	"testing"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestNewGivesEachTestAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	for range 2 {
		pool := pgtest.New(t)
		if _, err := pool.Exec(t.Context(), "create table only_here (n int)"); err != nil {
			t.Errorf("create a table in a new database: %v", err)
		}
	}
}

func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	observer := pgtest.New(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		if err := pgtest.New(t).QueryRow(t.Context(), "select current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	var n int
	if err := observer.QueryRow(t.Context(), "select count(*) from pg_database where datname = $1", name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("database %s outlived its test", name)
	}
}

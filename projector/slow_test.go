package projector_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A server that is too slow for large batches gets smaller ones, and then not the
// large ones again with each fetch. What it cannot do with a single record is
// tried as long as it takes.
func TestABatchThatTakesTooLongIsHalved(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]string{
		"57014 statement timeout":   `set local statement_timeout = '20ms'`,
		"25P04 transaction timeout": `do $$ begin raise 'too slow' using errcode = '25P04'; end $$`, // a setting since Postgres 17
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var adds []add
			for i := range 40 {
				adds = append(adds, add{fmt.Sprint("key-", i), 1})
			}
			f.publish(t, 0, adds...)
			var mu sync.Mutex
			var sizes []int
			alone := 2 // failures of the first record when it is alone
			view := f.counters()
			view.Write = func(ctx context.Context, tx pgx.Tx, batch []add) error {
				mu.Lock()
				defer mu.Unlock()
				sizes = append(sizes, len(batch))
				first := batch[0].Key == "key-0"
				if !first && len(batch) <= 3 || first && len(batch) == 1 && alone == 0 {
					return writeCounters(ctx, tx, batch)
				}
				if first && len(batch) == 1 {
					alone--
				}
				_, err := tx.Exec(ctx, limit)
				if err == nil {
					_, err = tx.Exec(ctx, `select pg_sleep(60)`)
				}
				if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != name[:5] {
					t.Errorf("the server raised %v, want %s", err, name)
				}
				return err
			}
			p, _ := start(t, f.pool, f.config(), view)
			f.awaitFold(t)
			f.publish(t, 0, adds[1:]...)
			f.awaitFold(t)
			if stopped := stoppedAt(p); len(stopped) > 0 {
				t.Errorf("stopped are %+v", stopped)
			}
			mu.Lock()
			defer mu.Unlock()
			large := 0
			for _, n := range sizes {
				if n > 20 {
					large++
				}
			}
			if large != 1 {
				t.Errorf("the batches were %v, want one of more than 20", sizes)
			}
		})
	}
}

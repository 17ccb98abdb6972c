package projector_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/projector"
)

func (f *fixture) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := f.pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// A view that has applied more than its topic holds is one of another log: the
// topic was truncated.
func TestTruncatedTopicIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	f.follow(t)
	f.exec(t, `update projector.positions set next_offset = next_offset + 100 where partition = 0`)
	if err := f.refused(t, f.kafka, f.counters()); !strings.Contains(err.Error(), "truncated") || !strings.Contains(err.Error(), advice) {
		t.Errorf("got %v, want the reason and the advice", err)
	}
}

// A database that went back, to a backup or to a replica that was behind, has
// rows and positions of an earlier time. The running projector goes back with
// it, and applies what is missing.
func TestPositionThatWentBackIsFollowed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1}, add{"b", 2})
	start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
	f.exec(t, `begin; delete from counters_v1.counters; update projector.positions set next_offset = 0, command_offset = -1, seen_offset = -1; commit`)
	f.publish(t, 0, add{"a", 4})
	f.awaitFold(t)
}

// A version that has reached its target is still behind the live one when that
// has gone on: a view never goes back in time.
func TestVersionBehindTheLiveOneIsNotSwappedIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	f.follow(t)
	second := f.second(nil)
	second.Write = func(context.Context, pgx.Tx, []add) error { return errors.New("not yet") }
	_, stop := start(t, f.pool, f.config(), second)
	eventually(t, func() error { return exists(t, f, "counters_v2") })
	if err := stop(); err != nil {
		t.Error(err)
	}
	f.publish(t, 0, add{"a", 2})
	f.follow(t)
	f.exec(t, `update projector.positions set next_offset = target_offset where version = 2`)
	if live, err := projector.Swap(t.Context(), f.pool, second); err != nil || live {
		t.Errorf("behind the live version: live is %t, error %v, want it not swapped in", live, err)
	}
	f.exec(t, `update projector.positions mine set next_offset = old.next_offset from projector.positions old
		where mine.version = 2 and old.version = 1 and old.partition = mine.partition`)
	if live, err := projector.Swap(t.Context(), f.pool, second); err != nil || !live {
		t.Errorf("when it has caught up: live is %t, error %v, want it swapped in", live, err)
	}
}

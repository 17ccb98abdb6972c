package devbroker

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/internal/childtest"
)

// A worker consumes, transforms and produces while its broker is killed again and again. In the end each step that was
// acknowledged is there, each that was committed is there once and in every partition, and each that was aborted is nowhere.
func TestKillLoop(t *testing.T) {
	const rounds = 40
	dir := t.TempDir()
	var acknowledged int64 // the last step whose commit was acknowledged
	for round := range rounds {
		child, addr := startChild(t, dir)
		if round == 0 {
			createTopics(t, addr)
		}
		position := committedOffset(t, addr)
		if position < acknowledged {
			t.Fatalf("lost: the position is %d, step %d was acknowledged", position, acknowledged)
		}
		killer := time.AfterFunc(20*time.Millisecond+rand.N(150*time.Millisecond), func() { child.Signal(os.Kill) })
		acknowledged = workUntilKilled(t, addr, position)
		killer.Stop()
		child.End(t, os.Kill) // the worker may have failed before the kill
	}
	assertExactlyOnce(t, dir, acknowledged)
}

// workUntilKilled works from position on, aborts each fifth step once, and returns the last step that was acknowledged.
func workUntilKilled(t *testing.T, addr string, position int64) int64 {
	t.Helper()
	w, err := newWorker(addr)
	if err != nil {
		return position
	}
	defer w.Close()
	for n := position + 1; ; n++ {
		if n%5 == 0 {
			if w.step(-n) != nil || w.producer.AbortTxn() != nil {
				return n - 1
			}
		}
		if w.step(n) != nil || w.producer.CommitTxn() != nil {
			return n - 1
		}
	}
}

func assertExactlyOnce(t *testing.T, dir string, acknowledged int64) {
	t.Helper()
	b := startBroker(t, dir)
	position := committedOffset(t, b.Addr())
	t.Logf("%d steps were committed", position)
	if position < acknowledged || position == 0 {
		t.Errorf("lost: the position is %d, step %d was acknowledged", position, acknowledged)
	}
	want := make([]string, position)
	for i := range want {
		want[i] = strconv.Itoa(i + 1)
	}
	for p := range int32(partitionCount) {
		if got := readCommitted(t, b.Addr(), p); !slices.Equal(got, want) {
			t.Errorf("partition %d has %d records, want the steps 1 to %d: %v", p, len(got), position, got)
		}
	}
}

// startChild starts a broker in a process of its own and returns its address.
func startChild(t *testing.T, dir string) (*childtest.Process, string) {
	t.Helper()
	child := childtest.Start(t, []string{childDir + "=" + dir})
	addr := child.Line(t)
	if !strings.Contains(addr, "127.0.0.1:") {
		t.Fatalf("the child did not start: %q", addr)
	}
	return child, addr
}

package devbroker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const partitionCount = 3

// A commit is one thing: wherever kfake was when it was killed, either nothing of it is there or everything is.
func TestKillAtEachStepOfACommit(t *testing.T) {
	t.Parallel()
	for step := range partitionCount + 2 {
		t.Run(fmt.Sprintf("step %d", step), func(t *testing.T) {
			t.Parallel()
			killed := commitAndCopy(t, step)
			restarted := startBroker(t, killed)
			want, offset := []string{"1", "2"}, int64(2)
			if step == 0 {
				want, offset = []string{"1"}, 1
			}
			for p := range int32(partitionCount) {
				if got := readCommitted(t, restarted.Addr(), p); !slices.Equal(got, want) {
					t.Errorf("partition %d: got %v, want %v", p, got, want)
				}
			}
			if got := committedOffset(t, restarted.Addr()); got != offset {
				t.Errorf("committed offset: got %d, want %d", got, offset)
			}
			work(t, restarted.Addr(), 3)
			if got := readCommitted(t, restarted.Addr(), 0); !slices.Equal(got, append(want, "3")) {
				t.Errorf("after another transaction: got %v, want %v", got, append(want, "3"))
			}
		})
	}
}

// commitAndCopy commits two transactions and returns a copy of the data as a kill during the second commit leaves them: at
// step 0 before it is written down, at step 1 after that, and from then on with one more marker each.
func commitAndCopy(t *testing.T, step int) string {
	t.Helper()
	live, killed := t.TempDir(), t.TempDir()
	b := startBroker(t, live)
	createTopics(t, b.Addr())
	work(t, b.Addr(), 1)

	copied := make(chan error, 1)
	copyOnce := func(kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.DropControl()
		copied <- os.CopyFS(killed, os.DirFS(live))
		return nil, nil, false
	}
	if step == 0 {
		b.cluster.ControlKey(kmsg.TxnOffsetCommit.Int16(), copyOnce)
	} else {
		b.cluster.ControlKey(kmsg.EndTxn.Int16(), copyOnce) // runs after the intent was written
	}
	work(t, b.Addr(), 2)
	if err := <-copied; err != nil {
		t.Fatalf("copy the data: %v", err)
	}
	if step == 0 {
		return killed
	}
	in, err := readIntent(filepath.Join(killed, intentFile))
	if err != nil || in == nil {
		t.Fatalf("the intent: %+v, %v", in, err)
	}
	for p := range step - 1 {
		dir := filepath.Join(killed, "log", "partitions", fmt.Sprintf("out-%d", p))
		batches := readBatches(t, dir)
		marker := endMarker(batches[len(batches)-1].next, 0, in.ProducerID, in.Epoch, true, time.Now())
		if err := appendBatch(dir, 0, marker); err != nil {
			t.Fatal(err)
		}
	}
	return killed
}

func TestRestartKeepsIdentityAndData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startBroker(t, dir)
	createTopics(t, first.Addr())
	work(t, first.Addr(), 1)
	id := brokerClusterID(t, first.Addr())
	if _, err := Start(Config{Dir: dir}); err == nil {
		t.Error("a second broker on the directory: got no error")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := startBroker(t, dir)
	if got := brokerClusterID(t, second.Addr()); got != id {
		t.Errorf("cluster id after a restart: got %s, want %s", got, id)
	}
	if got, want := second.Addr(), first.Addr(); got != want {
		t.Errorf("address after a restart: got %s, want %s", got, want)
	}
	if got := readCommitted(t, second.Addr(), 0); !slices.Equal(got, []string{"1"}) {
		t.Errorf("records after a restart: got %v, want [1]", got)
	}
	if got := brokerClusterID(t, startBroker(t, t.TempDir()).Addr()); got == id {
		t.Errorf("two directories have the cluster id %s", id)
	}
}

func TestStartRefusesAnAddressThatClientsCannotUse(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:0", ":0", "localhost"} {
		if b, err := Start(Config{Dir: t.TempDir(), Listen: listen}); err == nil {
			t.Errorf("listen on %q: got no error", listen)
			_ = b.Close()
		}
	}
}

func startBroker(t *testing.T, dir string) *Broker {
	t.Helper()
	b, err := Start(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

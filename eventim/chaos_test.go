package eventim_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/checker"
)

// Handler processes are killed at random moments under load and start again on
// the stores that they left: nothing is lost, nothing happens twice.
func TestKilledHandlers(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 6)
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	var children []*child
	for _, dir := range dirs {
		children = append(children, s.start(dir))
	}
	l := s.load(40)
	s.progress(100)
	const kills = 10
	seed := rand.Uint64() //nolint:gosec // moments, not secrets
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // moments, not secrets
	for range kills {
		i := r.IntN(len(children))
		time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond) // the moment is the point, whatever it meets
		children[i].kill()
		if r.IntN(2) == 0 { // at once, or when another has taken over
			s.progress(50)
		}
		children[i] = s.start(dirs[i])
		s.progress(50)
	}
	l.stop()
	for _, c := range children {
		c.stop()
	}
	s.settled(t, dirs[0])
	t.Log(s.checkWith(checker.Options{Copies: append(s.copies(false, dirs[0]), s.copies(true, dirs[1:]...)...)}))
}

// Two handlers join and leave in turn under load.
func TestJoiningAndLeavingHandlers(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 6)
	dirs := []string{t.TempDir(), t.TempDir()}
	h := s.handle(in(dirs[0]))
	l := s.load(40)
	for i := range 8 {
		s.progress(50)
		next := s.handle(in(dirs[(i+1)%2]))
		s.progress(50)
		eventually(t, "the handler that joins has partitions", func() bool { return len(next.Status()) > 0 })
		h.stop()
		h = next
	}
	l.stop()
	h.stop()
	s.settled(t, dirs[0])
	t.Log(s.checkWith(checker.Options{Copies: append(s.copies(false, dirs[0]), s.copies(true, dirs[1])...)}))
}

// A process is stopped for longer than its session, and continued: a zombie
// that believes it owns its partitions changes nothing.
func TestZombie(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 6)
	dirs := []string{t.TempDir(), t.TempDir()}
	zombie, heir := s.start(dirs[0]), s.start(dirs[1])
	l := s.load(40)
	s.progress(100)
	for range 3 {
		zombie.signal(syscall.SIGSTOP)
		for p := range s.agg.Partitions { // the heir has them all
			s.await(s.send(eventim.Command[Add]{Aggregate: s.keyOf(p), Payload: Add{N: 100}}).ID, 1)
		}
		zombie.signal(syscall.SIGCONT)
		s.progress(100)
	}
	l.stop()
	zombie.stop()
	heir.stop()
	s.settled(t, dirs[1])
	t.Log(s.checkWith(checker.Options{Copies: append(s.copies(false, dirs[1]), s.copies(true, dirs[0])...)}))
}

// keyOf returns a key of a partition.
func (s *system) keyOf(p int32) string {
	for i := 0; ; i++ {
		key := fmt.Sprint("p", i)
		if kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: []byte(key)}, int(s.agg.Partitions)) == int(p) {
			return key
		}
	}
}

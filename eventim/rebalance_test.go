package eventim_test

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// tally counts what a handler gains and loses.
type tally struct{ takenOver, released, fenced int }

// tallied is a handler that counts.
type tallied struct {
	handling
	mu  sync.Mutex
	now tally
}

func (s *system) tallied(dir string, change ...func(*eventim.HandlerConfig)) *tallied {
	s.t.Helper()
	m := &tallied{}
	count := func(n *int) {
		m.mu.Lock()
		defer m.mu.Unlock()
		*n++
	}
	m.handling = s.handle(append(change, in(dir), func(c *eventim.HandlerConfig) {
		c.Session = time.Minute // who is counted is not taken for dead because the machine is busy
		c.Observer = eventim.Observer{
			TakenOver: func(eventim.TakenOver) { count(&m.now.takenOver) },
			Released:  func(int32) { count(&m.now.released) },
			Fenced:    func(int32, error) { count(&m.now.fenced) },
		}
	})...)
	return m
}

// since returns what was counted since it was asked last.
func (m *tallied) since() tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.now
	m.now = tally{}
	return last
}

// runs tells whether the handler handles n partitions, and no others.
func (m *tallied) runs(n int) bool {
	status := m.Status()
	return len(status) == n && !slices.ContainsFunc(status, func(p eventim.PartitionStatus) bool { return p.State != eventim.Running })
}

// share waits until each of the handlers handles n partitions, and returns what they
// have gained and lost since they were asked last.
func (s *system) share(n int, all ...*tallied) (sum tally) {
	s.t.Helper()
	eventually(s.t, "the partitions are shared", func() bool {
		return !slices.ContainsFunc(all, func(m *tallied) bool { return !m.runs(n) })
	})
	for _, m := range all {
		t := m.since()
		sum = tally{sum.takenOver + t.takenOver, sum.released + t.released, sum.fenced + t.fenced}
	}
	return sum
}

// Whoever joins, leaves and dies under load, only the partitions that move are given
// up and taken over, and nobody is fenced.
func TestARebalanceStopsWhatMoves(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 6)
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	a, b := s.tallied(dirs[0]), s.tallied(dirs[1])
	s.share(3, a, b)
	l := s.load(40)
	s.progress(50)

	c := s.tallied(dirs[2])
	s.share(2, c)
	if got := s.share(2, a, b); got != (tally{released: 2}) {
		t.Errorf("when a handler joins, the others count %+v, want two partitions released", got)
	}
	s.progress(50)
	c.stop()
	if got := s.share(3, a, b); got != (tally{takenOver: 2}) {
		t.Errorf("when it leaves, they count %+v, want two partitions taken over", got)
	}
	s.progress(50)
	killed := s.start(dirs[2], func(c *childConfig) { c.Session = 8 * time.Second })
	s.share(2, a, b)
	s.progress(50)
	killed.kill()
	if got := s.share(3, a, b); got != (tally{takenOver: 2}) {
		t.Errorf("when one dies, they count %+v, want two partitions taken over", got)
	}
	s.progress(50)
	l.stop()
	a.stop()
	b.stop()
	s.settled(t, dirs[0])
	s.check()
}

// Three handlers are restarted in turn under load: nothing is lost, nothing happens
// twice, and those that stay give up what the one that comes back gets, no more.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 6)
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	var all []*tallied
	for _, dir := range dirs {
		all = append(all, s.tallied(dir))
	}
	s.share(2, all...)
	l := s.load(40)
	for i, dir := range dirs {
		s.progress(50)
		all[i].stop()
		others := slices.Delete(slices.Clone(all), i, i+1)
		if got := s.share(3, others...); got != (tally{takenOver: 2}) {
			t.Errorf("when a handler leaves, the others count %+v, want two partitions taken over", got)
		}
		s.progress(50)
		all[i] = s.tallied(dir)
		s.share(2, all[i])
		if got := s.share(2, others...); got != (tally{released: 2}) {
			t.Errorf("when it is back, they count %+v, want two partitions released", got)
		}
	}
	l.stop()
	for _, m := range all {
		m.stop()
	}
	s.settled(t, dirs[0])
	s.check()
}

// A handler sits in a transaction while another one joins. The partitions of a third
// one that stay go on meanwhile.
func TestASlowTransactionStopsNobodyElse(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 6)
	held, release := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	slow := s.tallied(t.TempDir(), via(&wire{request: func(key int16, _ []byte) fate {
		if key == keyEndTxn && armed.CompareAndSwap(true, false) {
			close(held)
			<-release
		}
		return pass
	}}))
	other := s.tallied(t.TempDir())
	s.share(3, slow, other)
	armed.Store(true)
	late := s.add(s.keyOf(slow.Status()[0].Partition), 1)
	<-held
	joins := s.tallied(t.TempDir())
	if got := s.share(2, other); got != (tally{released: 1}) {
		t.Errorf("the other handler counts %+v, want one partition released", got)
	}
	for _, p := range other.Status() {
		if res := s.do(s.keyOf(p.Partition), 1); res.Version != 1 {
			t.Errorf("result %+v, want version 1", res)
		}
	}
	close(release)
	if res := s.await(late.ID, 1); res.Version != 1 {
		t.Errorf("result %+v, want version 1", res)
	}
	s.share(2, slow, other, joins)
	for _, m := range []*tallied{slow, other, joins} {
		m.stop()
	}
	s.check()
}

// A handler sits in a transaction for longer than the group waits for it. The one that
// gets the partition handles its command. What the first one then still sends is of a
// claim that has ended: it is refused, although the handler is a member as before, and
// what it has of other partitions is not.
func TestAClaimThatHasEndedCommitsNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	held, release := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	slow := s.tallied(t.TempDir(), via(&wire{request: func(key int16, _ []byte) fate {
		if key == keyAddPartitionsToTxn && armed.CompareAndSwap(true, false) {
			close(held)
			<-release
		}
		return pass
	}}))
	s.share(2, slow)
	armed.Store(true)
	var sent []eventim.Command[Add]
	for p := range s.agg.Partitions {
		sent = append(sent, s.add(s.keyOf(p), 1))
	}
	<-held
	heir := s.tallied(t.TempDir())
	s.share(1, heir)
	moved := heir.Status()[0].Partition
	if res := s.await(sent[moved].ID, 1); res.Version != 1 {
		t.Errorf("the new owner answers %+v, want version 1", res)
	}
	close(release)
	if res := s.await(sent[1-moved].ID, 1); res.Version != 1 {
		t.Errorf("the old owner answers %+v for the partition that has stayed, want version 1", res)
	}
	if res := s.do(s.keyOf(moved), 1); res.Version != 2 {
		t.Errorf("the new owner answers %+v, want version 2", res)
	}
	if got := s.share(1, slow); got.fenced != 0 {
		t.Errorf("the old owner counts %+v, want that it goes on with what has stayed", got)
	}
	slow.stop()
	heir.stop()
	s.check()
}

// lines is a network that notes which requests each connection carries.
type lines struct {
	mu   sync.Mutex
	seen map[*wire]map[int16]bool
}

// Dial implements the dialer of sarama's proxy.
func (l *lines) Dial(network, address string) (net.Conn, error) {
	var w *wire
	w = &wire{request: func(key int16, _ []byte) fate {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.seen[w] == nil {
			l.seen[w] = map[int16]bool{}
		}
		l.seen[w][key] = true
		return pass
	}}
	return w.Dial(network, address)
}

// carried counts the connections that have carried both kinds of requests, and those
// that have carried the first.
func (l *lines) carried(first, second int16) (both, one int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, keys := range l.seen {
		if keys[first] {
			one++
		}
		if keys[first] && keys[second] {
			both++
		}
	}
	return both, one
}

// A broker serves a connection one request at a time, and JoinGroup waits for all
// members: nothing is fetched over a connection that may wait so.
func TestNothingIsFetchedBehindJoinGroup(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	l := &lines{seen: map[*wire]map[int16]bool{}}
	h := s.handle(func(c *eventim.HandlerConfig) {
		c.Kafka.Configure = func(s *sarama.Config) { s.Net.Proxy.Enable, s.Net.Proxy.Dialer = true, l }
	})
	s.running(h)
	s.do("a", 1)
	h.stop()
	if both, joins := l.carried(keyJoinGroup, keyFetch); both != 0 || joins == 0 {
		t.Errorf("of %d connections with JoinGroup, %d have carried fetches", joins, both)
	}
}

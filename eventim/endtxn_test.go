package eventim_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// fate is what becomes of a request on its way.
type fate int

const (
	pass      fate = iota
	swallow        // the broker never gets it, and the connection is cut
	cutAnswer      // the broker has done it, but the answer is lost and the connection cut
	die            // the process is killed before the broker gets it
	dieAfter       // the process is killed after the broker has done it
)

// wire is the network between a handler and the cluster.
type wire struct {
	request func(key int16, frame []byte) fate
}

// via lets a handler reach the cluster through w.
func via(w *wire) func(*eventim.HandlerConfig) {
	return func(c *eventim.HandlerConfig) {
		c.Lanes = 1
		c.Kafka.Configure = func(s *sarama.Config) {
			s.Net.Proxy.Enable, s.Net.Proxy.Dialer = true, w
		}
	}
}

// Dial implements the dialer of sarama's proxy.
func (w *wire) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address) //nolint:noctx // the interface has no context
	if err != nil {
		return nil, err
	}
	return &wireConn{conn, w}, nil
}

type wireConn struct {
	net.Conn
	wire *wire
}

// Write gets one request, whole. A transactional producer has one in flight,
// so that the next answer is that of this request.
func (c *wireConn) Write(frame []byte) (int, error) {
	f := pass
	if len(frame) > 8 {
		f = c.wire.request(int16(binary.BigEndian.Uint16(frame[4:])), frame) //nolint:gosec // api keys are small
	}
	switch f {
	case swallow:
		_ = c.Close()
		return len(frame), nil
	case die:
		killMyself()
	}
	n, err := c.Conn.Write(frame)
	if err != nil || f == pass {
		return n, err
	}
	var size [4]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return n, err
	}
	if _, err := io.CopyN(io.Discard, c.Conn, int64(binary.BigEndian.Uint32(size[:]))); err != nil {
		return n, err
	}
	if f == dieAfter {
		killMyself()
	}
	return n, c.Close()
}

func killMyself() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// dyingAt is a network on which the process dies at its n-th commit.
func dyingAt(n int, after bool) *wire {
	var commits atomic.Int32
	return &wire{request: func(key int16, _ []byte) fate {
		switch {
		case key != keyEndTxn || commits.Add(1) != int32(n): //nolint:gosec // small
			return pass
		case after:
			return dieAfter
		}
		return die
	}}
}

// endTxn reads an EndTxn frame.
func endTxn(frame []byte) (*kmsg.EndTxnRequest, error) {
	req := kmsg.NewPtrEndTxnRequest()
	req.SetVersion(int16(binary.BigEndian.Uint16(frame[6:]))) //nolint:gosec // versions are small
	if len(frame) < 14 {
		return nil, errors.New("short frame")
	}
	header := 14 + int(binary.BigEndian.Uint16(frame[12:])) // size, key, version, correlation, client id
	if req.IsFlexible() {
		header++ // no tags
	}
	return req, req.ReadFrom(frame[header:])
}

const (
	keyInitProducerID  = 22
	keyEndTxn          = 26
	keyTxnOffsetCommit = 28
)

// A copy of an EndTxn arrives late, while the next transaction of the same lane
// is open, whether the first one was answered or not. It must be refused: it would commit records that nobody has decided to
// commit.
func TestLateEndTxnIsRefused(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fate{"answered": pass, "not answered": cutAnswer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lateEndTxn(t, f)
		})
	}
}

func lateEndTxn(t *testing.T, first fate) {
	t.Helper()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	var mu sync.Mutex
	var late *kmsg.EndTxnRequest
	opened, released := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	defer release()
	var open sync.Once
	h := s.handle(via(&wire{request: func(key int16, frame []byte) fate {
		mu.Lock()
		isFirst := late == nil
		if isFirst && key == keyEndTxn {
			var err error
			if late, err = endTxn(frame); err != nil || !late.Commit {
				t.Errorf("EndTxn %+v: %v, want a commit", late, err)
			}
			mu.Unlock()
			return first
		}
		mu.Unlock()
		if !isFirst && key == keyTxnOffsetCommit {
			open.Do(func() { close(opened); <-released })
		}
		return pass
	}}))
	s.do("a", 1)
	second := s.add("a", 2)
	<-opened
	c := s.raw(kgo.MaxVersions(kversion.V3_6_0()))
	// The records go out at the same time as the offsets.
	eventually(t, "a transaction is open", func() bool { return s.open(c) })
	answer, err := late.RequestWith(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := kerr.ErrorForCode(answer.ErrorCode); !errors.Is(err, kerr.ProducerFenced) && !errors.Is(err, kerr.InvalidProducerEpoch) {
		t.Errorf("the late EndTxn got %v, want it refused", err)
	}
	if !s.open(c) {
		t.Error("after the late EndTxn, no transaction is open any more")
	}
	release()
	if res := s.await(second.ID, 1); res.Version != 2 {
		t.Errorf("the second command got %+v, want version 2", res)
	}
	h.stop()
	s.check(s.dir)
}

// open tells whether there is a transaction with invisible records in the
// results.
func (s *system) open(c *kgo.Client) bool {
	s.t.Helper()
	admin, topic := kadm.NewClient(c), s.agg.Topics().Results
	stable, err1 := admin.ListCommittedOffsets(s.t.Context(), topic)
	end, err2 := admin.ListEndOffsets(s.t.Context(), topic)
	if err := errors.Join(err1, err2); err != nil {
		s.t.Fatal(err)
	}
	lso, _ := stable.Lookup(topic, 0)
	hw, _ := end.Lookup(topic, 0)
	return lso.Offset < hw.Offset
}

// The outcome of a commit is unknown: its answer is lost. Whether the broker has
// done it or not, it is not asked for again before the epoch has ended, and
// there is one effect.
func TestUnknownCommitOutcome(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fate{"done": cutAnswer, "not done": swallow} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 1)
			var mu sync.Mutex
			commits, settled := 0, false
			h := s.handle(via(&wire{request: func(key int16, _ []byte) fate {
				mu.Lock()
				defer mu.Unlock()
				settled = settled || commits > 0 && key == keyInitProducerID
				if key != keyEndTxn || settled {
					return pass
				}
				commits++
				return f
			}}))
			if res := s.do("a", 2); res.Version != 1 || res.Snapshot.State.Sum != 2 {
				t.Errorf("result %+v, want version 1", res)
			}
			if res := s.do("a", 3); res.Version != 2 || res.Snapshot.State.Sum != 5 {
				t.Errorf("result %+v, want version 2", res)
			}
			h.stop()
			mu.Lock()
			defer mu.Unlock()
			if commits != 1 || !settled {
				t.Errorf("%d commits without an answer, and the epoch ended after them: %v; want 1 and true", commits, settled)
			}
			s.check(s.dir)
		})
	}
}

// A process is killed at its commit, before or after the broker gets it, and
// starts again: there is one effect, and one answer.
func TestKilledAtCommit(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 1)
			c := s.start(s.dir, func(c *childConfig) { c.DieAt, c.DieAfter = 3, after })
			s.do("a", 100)
			s.do("a", 100)
			third := s.add("a", 100)
			c.die()
			c = s.start(s.dir)
			if res := s.await(third.ID, 1); res.Version != 3 || res.Snapshot.State.Sum != 300 {
				t.Errorf("the command at whose commit the process died: %+v, want version 3", res)
			}
			if res := s.do("a", 100); res.Version != 4 {
				t.Errorf("the next command: %+v, want version 4", res)
			}
			c.stop()
			s.check(s.dir)
		})
	}
}

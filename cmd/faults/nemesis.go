package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/eventim-go/eventim/internal/fleet"
	"github.com/eventim-go/eventim/internal/journal"
)

// nemesis lets faults happen. Which ones, and to whom, depends on the seed
// alone; when they happen depends on the load.
type nemesis struct {
	*installation
	cluster *cluster
	watch   *watch
	probes  *probes
	random  *rand.Rand
	backups map[string]string // of state stores
	victims []victim          // of the present fault
}

// newNemesis lets nothing happen yet.
func newNemesis(ctx context.Context, i *installation, c *cluster) (*nemesis, error) {
	topics, err := c.admin.ListTopics(ctx, aggregate+"-commands")
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("look up the topics: %w", err)
	}
	w, err := startWatch(ctx, c.brokers)
	if err != nil {
		return nil, err
	}
	i.closers = append(i.closers, w.close)
	probes := newProbes(i, len(topics[aggregate+"-commands"].Partitions))
	i.closers = append(i.closers, probes.stop)
	return &nemesis{installation: i, cluster: c, watch: w, probes: probes, backups: map[string]string{}}, nil
}

// fault happens, is seen to have happened, and is healed. It returns what it
// did.
type fault struct {
	name   string
	weight int
	happen func(*nemesis, context.Context) (string, error)
}

var faults = slices.Concat(strikes, asides)

// strikes hit handlers, what numbers invoices, or brokers.
var strikes = []fault{
	{"kill a handler", 6, (*nemesis).killHandler},
	{"kill a handler at a point of its loop", 9, (*nemesis).crashInLoop},
	{"kill a handler while it takes over", 4, (*nemesis).crashInTakeOver},
	{"kill a handler after it has ended a dead one's transaction", 1, (*nemesis).crashAfterFencing},
	{"end a handler by SIGTERM", 3, (*nemesis).endHandler},
	{"kill all handlers", 1, (*nemesis).killHandlers},
	{"stop a handler for longer than its session", 3, (*nemesis).pauseHandler},
	{"kill a numbering at a point of its loop", 5, (*nemesis).crashNumbering},
	{"kill a broker", 1, func(n *nemesis, ctx context.Context) (string, error) { return n.killNode(ctx, n.random.IntN(nodes)+1) }},
	{"kill the coordinator of the group", 1, (*nemesis).killGroupCoordinator},
	{"kill the coordinator of a transaction", 1, (*nemesis).killTransactionCoordinator},
	{"kill all brokers in turn", 1, (*nemesis).rollingRestart},
	{"part a handler from Kafka", 2, func(n *nemesis, ctx context.Context) (string, error) {
		return n.partition(ctx, "both ways", mode{holdRequests: true, holdResponses: true})
	}},
	{"part a handler from Kafka, requests only", 2, func(n *nemesis, ctx context.Context) (string, error) {
		return n.partition(ctx, "requests", mode{holdRequests: true})
	}},
	{"part a handler from Kafka, responses only", 2, func(n *nemesis, ctx context.Context) (string, error) {
		return n.partition(ctx, "responses", mode{holdResponses: true})
	}},
	{"slow a handler's network down", 2, (*nemesis).slowDown},
	{"cut a handler's connections", 3, (*nemesis).cutKafka},
	{"half-close a handler's connections", 3, (*nemesis).halfClose},
	{"an end of a transaction comes late", 4, (*nemesis).lateEnd},
	{"an end of a transaction comes twice", 4, (*nemesis).doubleEnd},
	{"delete a state store", 2, (*nemesis).deleteStore},
	{"truncate a state store", 2, (*nemesis).truncateStore},
	{"flip bits in a state store", 2, (*nemesis).flipStore},
	{"copy a state store over another", 2, (*nemesis).copyStore},
	{"restore a state store from an old backup", 2, (*nemesis).restoreStore},
	{"fill the disk of the state stores", 2, (*nemesis).fillStoreDisk},
	{"let the clock of a handler jump", 2, (*nemesis).jumpClock},
}

// asides hit no handler and no broker, and may happen while one of the strikes does.
var asides = []fault{
	{"kill a numbering", 4, func(n *nemesis, ctx context.Context) (string, error) { return n.kill(ctx, n.one(n.numberings)) }},
	{"stop a numbering for longer than its session", 1, func(n *nemesis, ctx context.Context) (string, error) {
		return n.pause(ctx, n.one(n.numberings), sessionTimeout+2*time.Second)
	}},
	{"kill a process that runs errands", 4, (*nemesis).killErrands},
	{"kill a projector", 3, func(n *nemesis, ctx context.Context) (string, error) { return n.kill(ctx, n.one(n.projectors)) }},
	{"kill a web node", 3, func(n *nemesis, ctx context.Context) (string, error) { return n.kill(ctx, n.one(n.webs)) }},
	{"stop a projector for longer than its session", 1, func(n *nemesis, ctx context.Context) (string, error) {
		return n.pause(ctx, n.one(n.projectors), 12*time.Second)
	}},
	{"stop a web node", 1, func(n *nemesis, ctx context.Context) (string, error) {
		return n.pause(ctx, n.one(n.webs), 3*time.Second)
	}},
	{"kill Postgres", 2, (*nemesis).killPostgres},
	{"cut the connections to Postgres", 2, (*nemesis).cutPostgres},
	{"lock the positions in Postgres", 1, (*nemesis).lockPostgres},
	{"fill the disk of Postgres", 1, (*nemesis).fillPostgresDisk},
	{"let transactions in Postgres fail to serialize", 2, (*nemesis).failSerialization},
	{"write garbage to the commands", 2, (*nemesis).writeGarbage},
}

func (f fault) isAside() bool {
	return slices.ContainsFunc(asides, func(a fault) bool { return a.name == f.name })
}

// hitsNumbering tells whether a fault hits what numbers invoices. Two of them at a time
// might hit the same process, and each would take what the other does for its own.
func (f fault) hitsNumbering() bool { return strings.Contains(f.name, "numbering") }

// those returns the faults with these names; all when there are none.
func those(names []string) ([]fault, error) {
	if len(names) == 0 {
		return faults, nil
	}
	var some []fault
	for _, name := range names {
		i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no fault %q", name)
		}
		some = append(some, faults[i])
	}
	return some, nil
}

// next draws a fault.
func (n *nemesis) next(some []fault) fault {
	sum := 0
	for _, f := range some {
		sum += f.weight
	}
	left := n.random.IntN(sum)
	for _, f := range some {
		if left -= f.weight; left < 0 {
			return f
		}
	}
	return some[0]
}

func (n *nemesis) one(processes []*fleet.Process) *fleet.Process {
	return processes[n.random.IntN(len(processes))]
}

// within draws a time.
func (n *nemesis) within(most time.Duration) time.Duration {
	return time.Duration(n.random.Int64N(int64(most)))
}

// busy waits until so many more results have been delivered: the liveness that
// is promised once everything is healed.
func (n *nemesis) busy(ctx context.Context, more int) error {
	want := n.delivered() + more
	err := await(ctx, 2*time.Minute, fmt.Sprintf("%d more results are delivered", more), func() bool {
		return n.delivered() >= want || n.ended() != nil
	})
	return errors.Join(err, n.ended())
}

// ended tells which process has ended by itself.
func (n *nemesis) ended() error {
	for _, p := range slices.Concat(n.processes(), n.errands) {
		if !p.Running() {
			return fmt.Errorf("%s has ended by itself, see %s", p.Name, p.LogFile())
		}
	}
	return nil
}

func (n *nemesis) delivered() (sum int) {
	for _, c := range n.clients {
		sum += c.Journal.Count(journal.Delivered)
	}
	return sum
}

// healthy waits until all processes say that they are ready: none has ended by
// itself, and no partition has stopped.
func (n *nemesis) healthy(ctx context.Context) error {
	for _, p := range n.processes() {
		var unready error
		err := await(ctx, time.Minute, p.Name+" is ready", func() bool {
			unready = n.ready(ctx, p)
			return unready == nil || !p.Running()
		})
		if err := errors.Join(n.ended(), err, unready); err != nil {
			return err
		}
	}
	return nil
}

// sleep waits; a fault lasts for a while.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/eventim-go/eventim/internal/fleet"
	"github.com/eventim-go/eventim/internal/journal"
)

// nemesis lets faults happen. Which ones, and to whom, depends on the seed
// alone; when they happen depends on the load.
type nemesis struct {
	*installation
	cluster *cluster
	random  *rand.Rand
	backups map[string]string // of state stores
}

// fault happens, is seen to have happened, and is healed. It returns what it
// did.
type fault struct {
	name   string
	weight int
	happen func(*nemesis, context.Context) (string, error)
}

var faults = []fault{
	{"kill a handler", 6, func(n *nemesis, ctx context.Context) (string, error) { return n.kill(ctx, n.one(n.handlers)) }},
	{"kill a projector", 3, func(n *nemesis, ctx context.Context) (string, error) { return n.kill(ctx, n.one(n.projectors)) }},
	{"kill a web node", 3, func(n *nemesis, ctx context.Context) (string, error) { return n.kill(ctx, n.one(n.webs)) }},
	{"kill all handlers", 1, (*nemesis).killHandlers},
	{"stop a handler for longer than its session", 3, func(n *nemesis, ctx context.Context) (string, error) {
		return n.pause(ctx, n.one(n.handlers), sessionTimeout+2*time.Second)
	}},
	{"stop a projector for longer than its session", 1, func(n *nemesis, ctx context.Context) (string, error) {
		return n.pause(ctx, n.one(n.projectors), 12*time.Second)
	}},
	{"stop a web node", 1, func(n *nemesis, ctx context.Context) (string, error) {
		return n.pause(ctx, n.one(n.webs), 3*time.Second)
	}},
	{"kill a broker", 2, func(n *nemesis, ctx context.Context) (string, error) { return n.killNode(ctx, n.random.IntN(nodes)+1) }},
	{"kill the coordinator of the group", 2, (*nemesis).killGroupCoordinator},
	{"kill the coordinator of a transaction", 2, (*nemesis).killTransactionCoordinator},
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
	{"an end of a transaction comes late", 4, (*nemesis).lateEnd},
	{"an end of a transaction comes twice", 4, (*nemesis).doubleEnd},
	{"delete a state store", 2, (*nemesis).deleteStore},
	{"truncate a state store", 2, (*nemesis).truncateStore},
	{"flip bits in a state store", 2, (*nemesis).flipStore},
	{"copy a state store over another", 2, (*nemesis).copyStore},
	{"restore a state store from an old backup", 2, (*nemesis).restoreStore},
	{"kill Postgres", 2, (*nemesis).killPostgres},
	{"cut the connections to Postgres", 2, (*nemesis).cutPostgres},
	{"lock the positions in Postgres", 1, (*nemesis).lockPostgres},
	{"write garbage to the commands", 2, (*nemesis).writeGarbage},
}

// next draws a fault.
func (n *nemesis) next() fault {
	sum := 0
	for _, f := range faults {
		sum += f.weight
	}
	left := n.random.IntN(sum)
	for _, f := range faults {
		if left -= f.weight; left < 0 {
			return f
		}
	}
	return faults[0]
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
	return await(ctx, 2*time.Minute, fmt.Sprintf("%d more results are delivered", more), func() bool { return n.delivered() >= want })
}

func (n *nemesis) delivered() (sum int) {
	for _, c := range n.clients {
		sum += c.Journal.Count(journal.Delivered)
	}
	return sum
}

// sleep waits; a fault lasts for a while.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func listens(ctx context.Context, address string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

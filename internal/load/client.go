// Package load drives the invoicing product as people do, through HTTP and the
// websocket of any of its web nodes, and keeps a journal of all that it is
// told. It goes on through every outage: what is not acknowledged is sent
// again under the same command id, and a connection that breaks is resumed at
// another node.
package load

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/eventim-go/eventim/internal/journal"
)

// Node returns the address of a web node, host:port, or "" while it is down.
type Node func() string

// Client is one page: an origin with a websocket. Its methods are for one
// goroutine, beside that of Run.
type Client struct {
	Journal *journal.Journal

	nodes   []Node
	random  *rand.Rand
	http    *http.Client
	inbox   *inbox
	first   int           // node of the first connection
	patient time.Duration // how long to wait for a result
	ended   atomic.Bool   // by End
}

// NewClient returns a client that has not connected; what it does depends on
// the seed.
func NewClient(nodes []Node, seed uint64) *Client {
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // to be repeated
	origin := uuid.NewString()
	return &Client{
		Journal: &journal.Journal{Origin: origin}, nodes: nodes, random: random, inbox: newInbox(),
		http:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: 30 * time.Second},
		first: int(seed % uint64(len(nodes))), patient: time.Minute, //nolint:gosec // less than the nodes
	}
}

// End lets Work end after what it is doing, so that it leaves nothing unknown.
func (c *Client) End() { c.ended.Store(true) }

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// command is something to ask of an invoice.
type command struct {
	id       string
	invoice  string
	name     string
	expected *int64
	payload  any
}

func newCommand(invoice, name string, payload any) command {
	return command{id: uuid.Must(uuid.NewV7()).String(), invoice: invoice, name: name, payload: payload}
}

// result is what a frame of the websocket or an answer over HTTP says of a
// command.
type result struct {
	ID       string          `json:"id"`
	Invoice  string          `json:"invoice"`
	Outcome  string          `json:"outcome"`
	Version  int64           `json:"version"`
	Code     string          `json:"code"`
	Position string          `json:"position"`
	Replayed bool            `json:"replayed"`
	State    json.RawMessage `json:"state"`
}

// pause waits before the next attempt at something that failed.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

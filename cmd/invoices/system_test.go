package main_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/internal/fleet"
	"github.com/eventim-go/eventim/internal/journal"
	"github.com/eventim-go/eventim/internal/load"
	"github.com/eventim-go/eventim/internal/verify"
)

// buildFlags are those of the binary under test: it is built as its test is.
var buildFlags []string

// system is the product as it runs in production: two processes of each part,
// and clients of both web nodes.
type system struct {
	t          *testing.T
	brokers    []string
	aggregate  string
	pool       *pgxpool.Pool
	admin      *kadm.Client
	fleet      *fleet.Fleet
	dirs       []string // of the handlers
	handlers   [2]*fleet.Process
	projectors [2]*fleet.Process
	webs       [2]*fleet.Process
	clients    []*load.Client
}

func newSystem(t *testing.T) *system {
	t.Helper()
	k, database := eventimtest.Kafka(t), pgtest.URL(t)
	s := &system{t: t, brokers: k.Brokers, aggregate: eventimtest.Name(t, "invoice"), pool: openPool(t, database), admin: openAdmin(t, k.Brokers)}
	binary, err := fleet.Build(t.Context(), t.TempDir(), buildFlags...)
	if err != nil {
		t.Fatal(err)
	}
	s.fleet = &fleet.Fleet{Binary: binary, Dir: t.TempDir(), Env: []string{
		"EVENTIM_KAFKA=" + strings.Join(k.Brokers, ","), "EVENTIM_POSTGRES=" + database, "EVENTIM_AGGREGATE=" + s.aggregate,
		"EVENTIM_PROJECTOR_GROUP=" + s.aggregate, "EVENTIM_REPLICATION=1", "EVENTIM_LOG=json",
	}}
	t.Cleanup(s.showLogs)
	for _, args := range [][]string{{"topics", "create"}, {"migrate"}} {
		if err := s.fleet.Run(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	s.startAll()
	return s
}

func openPool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func openAdmin(t *testing.T, brokers []string) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// startAll starts everything. A killed handler waits for no session timeout
// when it comes back, so that nothing here waits for this one.
func (s *system) startAll() {
	s.t.Helper()
	for i := range 2 {
		s.dirs = append(s.dirs, s.t.TempDir())
		s.handlers[i] = s.fleet.Process(fmt.Sprint("handler-", i), "handler", "--data", s.dirs[i], "--session-timeout", "20s", "--health-listen", "127.0.0.1:0")
		s.projectors[i] = s.fleet.Process(fmt.Sprint("projector-", i), "projector", "--health-listen", "127.0.0.1:0")
		s.webs[i] = s.fleet.Process(fmt.Sprint("web-", i), "web", "--listen", "127.0.0.1:0")
	}
	for _, p := range s.processes() {
		s.start(p)
		s.t.Cleanup(func() {
			if p.Running() {
				_ = p.Kill()
			}
		})
	}
	for _, p := range s.processes() {
		s.eventually(p.Name+" is ready", func() bool { return s.ready(p) })
	}
}

// ready asks as an orchestrator does.
func (s *system) ready(p *fleet.Process) bool {
	return s.fleet.Run(s.t.Context(), "healthcheck", "--url", "http://"+p.Address()+"/readyz") == nil
}

// eventually waits until something holds.
func (s *system) eventually(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("after a minute, still not: %s", what)
		}
	}
}

func (s *system) processes() []*fleet.Process {
	return slices.Concat(s.handlers[:], s.projectors[:], s.webs[:])
}

func (s *system) start(p *fleet.Process) {
	s.t.Helper()
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if err := p.Serving(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// showLogs shows how the logs end, when the test has failed.
func (s *system) showLogs() {
	if !s.t.Failed() {
		return
	}
	for _, p := range s.processes() {
		log, _ := os.ReadFile(p.LogFile())
		s.t.Logf("%s:\n%s", p.Name, log[max(0, len(log)-3000):])
	}
}

// loading are clients at work.
type loading struct {
	s       *system
	clients []*load.Client
	done    chan error
}

// load lets clients work: each on so many invoices, and on some that all share.
func (s *system) load(clients, invoices int) *loading {
	l := &loading{s: s, done: make(chan error, clients)}
	nodes := []load.Node{s.webs[0].Address, s.webs[1].Address}
	shared := []string{s.aggregate + "-shared-1", s.aggregate + "-shared-2"}
	for range clients {
		c := load.NewClient(nodes, uint64(len(s.clients)))
		s.clients, l.clients = append(s.clients, c), append(l.clients, c)
		live, disconnect := context.WithCancel(context.Background())
		connected := make(chan struct{})
		go func() { defer close(connected); c.Run(live) }()
		s.t.Cleanup(func() { disconnect(); <-connected; c.Close() })
		go func() { l.done <- c.Work(live, invoices, shared) }()
	}
	return l
}

// end lets the clients finish what they are doing.
func (l *loading) end() {
	l.s.t.Helper()
	for _, c := range l.clients {
		c.End()
	}
	l.wait()
}

// wait waits until the clients have ended.
func (l *loading) wait() {
	l.s.t.Helper()
	var errs []error
	late := time.After(time.Minute)
	for range cap(l.done) {
		select {
		case err := <-l.done:
			errs = append(errs, err)
		case <-late:
			l.s.t.Fatalf("clients do not come to an end; %d results so far", l.s.delivered())
		}
	}
	if err := errors.Join(errs...); err != nil {
		l.s.t.Fatal(err)
	}
}

// busy waits until so many more results have been delivered.
func (s *system) busy(more int) {
	s.t.Helper()
	want := s.delivered() + more
	s.eventually(fmt.Sprintf("%d results are delivered", want), func() bool { return s.delivered() >= want })
}

func (s *system) delivered() (n int) {
	for _, c := range s.clients {
		n += c.Journal.Count(journal.Delivered)
	}
	return n
}

// members returns how many members a group has.
func (s *system) members(group string) int {
	s.t.Helper()
	described, err := s.admin.DescribeGroups(s.t.Context(), group)
	if err == nil {
		err = described.Error()
	}
	if err != nil {
		s.t.Fatalf("describe group %s: %v", group, err)
	}
	return len(described[group].Members)
}

// groups are those of handlers and projectors.
func (s *system) handlerGroup() string { return s.aggregate + "-handler" }

func (s *system) projectorGroups() []string {
	var groups []string
	for _, view := range []string{"invoice_list-v3", "invoice_history-v2", "command_result-v2", "number_series-v1"} {
		groups = append(groups, s.aggregate+"-"+view)
	}
	return groups
}

// terminate ends a process as an operator does, and wants exit code 0 and the
// groups left: what has left a group is not waited for.
func (s *system) terminate(p *fleet.Process, groups ...string) {
	s.t.Helper()
	before := make([]int, len(groups))
	for i, g := range groups {
		before[i] = s.members(g)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	if err := p.Terminate(ctx); err != nil {
		s.t.Error(err)
	}
	for i, g := range groups {
		if after := s.members(g); after != before[i]-1 {
			s.t.Errorf("group %s has %d members after %s has ended, it had %d", g, after, p.Name, before[i])
		}
	}
}

// verify judges everything that there is.
func (s *system) verify() *verify.Report {
	s.t.Helper()
	source := verify.Source{Brokers: s.brokers, Aggregate: s.aggregate, Pool: s.pool}
	for _, c := range s.clients {
		c.Settle(s.t.Context(), 30*time.Second)
		source.Journals = append(source.Journals, c.Journal)
	}
	if !slices.ContainsFunc(s.handlers[:], (*fleet.Process).Running) {
		for _, dir := range s.dirs {
			source.Stores = append(source.Stores, verify.Store{Dir: dir})
		}
	}
	report, err := verify.Verify(s.t.Context(), source)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		s.t.Error(err)
	}
	s.t.Log(report)
	return report
}

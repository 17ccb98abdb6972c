package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/internal/devbroker"
	"github.com/eventim-go/eventim/internal/devpostgres"
	"github.com/eventim-go/eventim/internal/fleet"
	"github.com/eventim-go/eventim/internal/verify"
)

const (
	aggregate      = "invoice"
	sessionTimeout = 6 * time.Second
)

// size is how many processes there are of each part, and whether handlers
// reach the brokers through a proxy each.
type size struct {
	handlers, numberings, projectors, webs int
	errands                                int // processes that run errands beside the product
	proxied                                bool
}

// installation is the product with all that it needs.
type installation struct {
	dir        string
	brokers    []string
	fleet      *fleet.Fleet
	handlers   []*fleet.Process
	stores     []string        // data directories, by handler
	orders     []orders        // to handlers
	damaged    map[string]bool // state stores, on purpose
	proxies    []*proxy        // before the brokers, by handler, if so wanted
	numberings []*fleet.Process
	crashes    []orders // to numberings
	projectors []*fleet.Process
	webs       []*fleet.Process
	errands    []*fleet.Process // that are none of the product
	nextErrand int
	clients    []*journaled
	postgres   *devpostgres.Server
	pool       *pgxpool.Pool
	closers    []func() error
}

// embedded is an installation on a broker in this process.
func embedded(ctx context.Context, dir string) (*installation, error) {
	broker, err := devbroker.Start(devbroker.Config{Dir: filepath.Join(dir, "kafka")})
	if err != nil {
		return nil, err
	}
	i, err := newInstallation(ctx, dir, []string{broker.Addr()}, 1)
	if err != nil {
		return nil, errors.Join(err, broker.Close())
	}
	i.closers = append([]func() error{broker.Close}, i.closers...)
	return i, nil
}

// newInstallation starts a Postgres and sets everything up on these brokers.
func newInstallation(ctx context.Context, dir string, brokers []string, replication int) (_ *installation, err error) {
	i := &installation{dir: dir, brokers: brokers, damaged: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.close())
		}
	}()
	binary, err := fleet.Build(ctx, dir, "-tags", "crashpoints")
	if err != nil {
		return nil, err
	}
	if i.postgres, err = devpostgres.Start(ctx, i.postgresConfig()); err != nil {
		return nil, err
	}
	i.closers = append(i.closers, func() error { return i.postgres.Close() })
	if i.pool, err = pgxpool.New(ctx, i.postgres.URL()); err != nil {
		return nil, err
	}
	i.closers = append(i.closers, func() error { i.pool.Close(); return nil })
	i.fleet = &fleet.Fleet{Binary: binary, Dir: dir, Env: []string{
		"EVENTIM_KAFKA=" + strings.Join(brokers, ","), "EVENTIM_POSTGRES=" + i.postgres.URL(), "EVENTIM_AGGREGATE=" + aggregate,
		fmt.Sprint("EVENTIM_REPLICATION=", replication), "EVENTIM_LOG=json", "EVENTIM_SESSION_TIMEOUT=" + sessionTimeout.String(),
	}}
	if err := i.fleet.Run(ctx, "topics", "create"); err != nil {
		return nil, err
	}
	return i, i.fleet.Run(ctx, "migrate")
}

func (i *installation) postgresConfig() devpostgres.Config {
	return devpostgres.Config{Dir: filepath.Join(i.dir, "postgres")}
}

// start starts processes and waits until they serve.
func (i *installation) start(ctx context.Context, s size) error {
	if err := i.addErrands(ctx, s.errands); err != nil {
		return err
	}
	for range s.handlers {
		if err := i.addHandler(ctx, s.proxied); err != nil {
			return err
		}
	}
	for range s.numberings {
		if err := i.addNumbering(); err != nil {
			return err
		}
	}
	for n := range s.projectors {
		i.projectors = append(i.projectors, i.fleet.Process(fmt.Sprint("projector-", n), "projector", "--health-listen", "127.0.0.1:0"))
	}
	for n := range s.webs {
		i.webs = append(i.webs, i.fleet.Process(fmt.Sprint("web-", n), "web", "--listen", "127.0.0.1:0"))
	}
	for _, p := range i.processes() {
		if err := i.startProcess(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (i *installation) addHandler(ctx context.Context, proxied bool) error {
	name := fmt.Sprint("handler-", len(i.handlers))
	data, faults := filepath.Join(i.dir, "data-"+name), filepath.Join(i.dir, "orders-"+name)
	if err := os.MkdirAll(faults, 0o750); err != nil {
		return err
	}
	args := []string{"handler", "--data", data, "--health-listen", "127.0.0.1:0"}
	if proxied {
		p, err := newProxy(ctx, i.brokers)
		if err != nil {
			return err
		}
		i.proxies, i.closers = append(i.proxies, p), append(i.closers, p.close)
		args = append(args, "--kafka", strings.Join(p.addresses(), ","))
	}
	p := i.fleet.Process(name, args...)
	p.Env = []string{"EVENTIM_FAULTS=" + faults}
	i.handlers, i.stores, i.orders = append(i.handlers, p), append(i.stores, data), append(i.orders, orders{faults})
	return nil
}

func (i *installation) addNumbering() error {
	name := fmt.Sprint("numbering-", len(i.numberings))
	data, faults := filepath.Join(i.dir, "data-"+name), filepath.Join(i.dir, "orders-"+name)
	if err := os.MkdirAll(faults, 0o750); err != nil {
		return err
	}
	p := i.fleet.Process(name, "numbering", "--data", data, "--health-listen", "127.0.0.1:0")
	p.Env = []string{"EVENTIM_FAULTS=" + faults}
	i.numberings, i.crashes = append(i.numberings, p), append(i.crashes, orders{faults})
	return nil
}

func (i *installation) processes() []*fleet.Process {
	return slices.Concat(i.handlers, i.numberings, i.projectors, i.webs)
}

func (i *installation) startProcess(ctx context.Context, p *fleet.Process) error {
	if err := p.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return p.Serving(ctx)
}

// close kills what runs and stops the rest.
func (i *installation) close() error {
	var errs []error
	for _, c := range i.clients {
		c.disconnect()
	}
	for _, p := range slices.Concat(i.processes(), i.errands) {
		if p.Running() {
			errs = append(errs, p.Kill())
		}
	}
	for _, closer := range slices.Backward(i.closers) {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}

// endHandlers stops the handlers and returns their stores: of the partitions
// that each had before, since others may be there that nobody has looked at
// since they were damaged.
func (i *installation) endHandlers(ctx context.Context) ([]verify.Store, error) {
	var stores []verify.Store
	for k, p := range i.handlers {
		partitions, err := partitionsOf(ctx, p)
		if err != nil {
			return nil, err
		}
		stores = append(stores, verify.Store{Dir: i.stores[k], Partitions: partitions, Damaged: i.damagedOf(k, partitions)})
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, p := range i.handlers {
		if err := p.Terminate(ctx); err != nil {
			return nil, err
		}
	}
	return stores, nil
}

// damagedOf returns those of the partitions of which a handler has a store that
// was damaged on purpose.
func (i *installation) damagedOf(k int, partitions []int32) (some []int32) {
	for _, p := range partitions {
		if i.damaged[filepath.Join(i.stores[k], aggregate, strconv.Itoa(int(p)))] {
			some = append(some, p)
		}
	}
	return some
}

// partitionsOf asks a handler which partitions it has.
func partitionsOf(ctx context.Context, p *fleet.Process) ([]int32, error) {
	health, err := healthOf(ctx, p)
	if err != nil {
		return nil, err
	}
	var handler app.Health
	if err := json.Unmarshal(health.Parts["handler"], &handler); err != nil {
		return nil, fmt.Errorf("ask %s for its partitions: %w", p.Name, err)
	}
	partitions := []int32{}
	for _, at := range handler.Partitions {
		partitions = append(partitions, at.Partition)
	}
	return partitions, nil
}

// ready tells why a process is not ready.
func (i *installation) ready(ctx context.Context, p *fleet.Process) error {
	health, err := healthOf(ctx, p)
	if err == nil && health.Status != "ready" {
		err = fmt.Errorf("%s is not ready: %s", p.Name, health.Parts)
	}
	return err
}

// health is what a process says of itself.
type health struct {
	Status string                     `json:"status"`
	Parts  map[string]json.RawMessage `json:"parts"`
}

func healthOf(ctx context.Context, p *fleet.Process) (h health, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Address()+"/readyz", http.NoBody)
	if err != nil {
		return h, err
	}
	request.Close = true // the process may be about to end
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return h, err
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&h); err != nil {
		return h, fmt.Errorf("ask %s how it is: %w", p.Name, err)
	}
	return h, nil
}

// source says where the evidence is, but for the stores.
func (i *installation) source() verify.Source {
	s := verify.Source{Brokers: i.brokers, Aggregate: aggregate, Pool: i.pool, Numbered: len(i.numberings) > 0, Settle: 90 * time.Second}
	if len(i.errands) > 0 {
		s.Processes = []verify.Process{verify.Errands(aggregate)}
	}
	for _, c := range i.clients {
		s.Journals = append(s.Journals, c.Journal)
	}
	return s
}

// garbage writes commands that nobody can read.
func (i *installation) garbage(ctx context.Context, n int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(i.brokers...), kgo.DefaultProduceTopic(aggregate+"-commands"))
	if err != nil {
		return err
	}
	defer client.Close()
	for k := range n {
		r := &kgo.Record{Key: fmt.Append(nil, "garbage-", time.Now().UnixNano(), k), Value: []byte("\x00\xffnot JSON{")}
		switch k % 3 {
		case 1:
			r.Headers = []kgo.RecordHeader{{Key: "ce_id", Value: fmt.Append(nil, "garbage-", time.Now().UnixNano())}, {Key: "ce_type", Value: []byte("NoSuchCommand")}}
		case 2:
			r.Headers = []kgo.RecordHeader{{Key: "ce_type", Value: []byte("CreateInvoice")}, {Key: "ce_expectedversion", Value: []byte("many")}}
		}
		if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
			return fmt.Errorf("write garbage: %w", err)
		}
	}
	return nil
}

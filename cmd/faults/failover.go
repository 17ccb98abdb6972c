package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/cmd/faults/report"
)

// victim is a handler that a fault happens to.
type victim struct {
	name       string
	partitions []int32 // that it had
	at         time.Time
}

// victim notes that a handler is about to be struck, and begins to measure how
// long its partitions answer nothing. A handler that does not say which ones it
// has is not measured.
func (n *nemesis) victim(ctx context.Context, k int) {
	if len(n.victims) == 0 {
		n.watch.forget()
		n.probes.start(ctx)
	}
	p := n.handlers[k]
	partitions, err := partitionsOf(ctx, p)
	if err == nil {
		n.victims = append(n.victims, victim{p.Name, partitions, time.Now()})
	}
}

// failover ends the measurement: everything is as it was before.
func (n *nemesis) failover() (gaps []report.Gap) {
	_ = n.probes.stop() // never fails
	now := time.Now()
	for _, v := range n.victims {
		for _, p := range v.partitions {
			gaps = append(gaps, report.Gap{Handler: v.name, Partition: p, Seconds: n.watch.silence(p, v.at, now).Seconds()})
		}
	}
	n.victims = nil
	return gaps
}

// probes ask each partition for something four times a second, so that one
// that could answer does.
type probes struct {
	*installation
	invoices []string // one that does not exist in each partition

	running sync.WaitGroup
	cancel  context.CancelFunc // nil while they rest
}

const probeInterval = 250 * time.Millisecond

func newProbes(i *installation, partitions int) *probes {
	p := &probes{installation: i, invoices: make([]string, partitions)}
	hash := kgo.StickyKeyPartitioner(nil).ForTopic("") // as all senders of commands have it
	for missing := partitions; missing > 0; {
		id := uuid.NewString()
		k := hash.Partition(&kgo.Record{Key: []byte(id)}, partitions)
		if p.invoices[k] == "" {
			p.invoices[k] = id
			missing--
		}
	}
	return p
}

func (p *probes) start(ctx context.Context) {
	if p.cancel != nil {
		return
	}
	ctx, p.cancel = context.WithCancel(ctx)
	for k, id := range p.invoices {
		p.running.Go(func() { p.ask(ctx, k, id) })
	}
}

// stop waits until they rest. It never fails.
func (p *probes) stop() error {
	if p.cancel != nil {
		p.cancel()
		p.running.Wait()
		p.cancel = nil
	}
	return nil
}

func (p *probes) ask(ctx context.Context, node int, invoice string) {
	client := http.Client{Timeout: 2 * time.Second}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for ; ctx.Err() == nil; node++ {
		if address := p.webs[node%len(p.webs)].Address(); address != "" {
			_ = p.post(ctx, &client, address, invoice) // the next one may do better
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// post sends a command that is going to be rejected, and does not wait for
// that.
func (p *probes) post(ctx context.Context, client *http.Client, address, invoice string) error {
	url := "http://" + address + "/api/invoices/" + invoice + "/commands/SendInvoice"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("the probe was answered %s", response.Status)
	}
	_ = response.Body.Close()
	return err
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// calls are those of a number of clients, each of which waits for an answer
// before it calls again.
type calls struct {
	system   *system
	client   *http.Client
	callers  int
	invoices int
	row      bool // read the row, too

	mu    sync.Mutex
	begun time.Time // zero: warming up
	took  []time.Duration
	err   error
}

func newCalls(s *system, callers, invoices int, row bool) *calls {
	transport := &http.Transport{MaxIdleConns: callers, MaxIdleConnsPerHost: callers, DisableCompression: true}
	return &calls{
		system: s, client: &http.Client{Transport: transport, Timeout: time.Minute},
		callers: callers, invoices: invoices, row: row,
	}
}

// measure calls, and measures after a warm-up.
func (c *calls) measure(ctx context.Context, warm, measure time.Duration) (f figure, err error) {
	defer c.client.CloseIdleConnections()
	var calling sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer calling.Wait()
	defer stop()
	for range c.callers {
		calling.Go(func() { c.call(ctx) })
	}
	if err := wait(ctx, warm); err != nil {
		return f, err
	}
	before, err := c.system.cost()
	if err != nil {
		return f, err
	}
	c.mark(time.Now())
	if err := wait(ctx, measure); err != nil {
		return f, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	seconds := time.Since(c.begun).Seconds()
	after, err := c.system.cost()
	if err := errors.Join(c.err, err); err != nil {
		return f, err
	}
	c.begun = time.Time{}
	return figureOf(c.took, seconds, before, after)
}

func (c *calls) mark(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = at
}

// call is one client.
func (c *calls) call(ctx context.Context) {
	name := uuid.NewString()
	for n := 0; ctx.Err() == nil; n++ {
		begun := time.Now()
		err := c.command(ctx, fmt.Sprint(name, "-", n%c.invoices), int32(n/c.invoices))
		c.count(ctx, begun, err)
	}
}

// count counts a call that has ended after the warm-up.
func (c *calls) count(ctx context.Context, begun time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil:
		c.err = errors.Join(c.err, err)
	case !c.begun.IsZero():
		c.took = append(c.took, time.Since(begun))
	}
}

// command sends the n-th command for an invoice, and waits for its result and,
// where that is asked for, until it can be read.
func (c *calls) command(ctx context.Context, invoice string, n int32) error {
	name, body := commandPayload(n)
	var answer struct {
		Outcome, Effect string
		Version         int64
	}
	url := c.system.base + "/api/invoices/" + invoice
	err := c.request(ctx, http.MethodPost, url+"/commands/"+name, body, &answer)
	if err != nil {
		return err
	}
	if answer.Outcome != "accepted" || answer.Version != int64(n)+1 {
		return fmt.Errorf("command %d of %s was answered with %+v", n, invoice, answer)
	}
	if !c.row {
		return nil
	}
	if answer.Effect != "" {
		url += "?wait=30s&position=" + answer.Effect
	}
	var row struct{ Version int64 }
	if err := c.request(ctx, http.MethodGet, url, nil, &row); err != nil {
		return err
	}
	if row.Version != answer.Version {
		return fmt.Errorf("the row of %s has version %d, want %d", invoice, row.Version, answer.Version)
	}
	return nil
}

func (c *calls) request(ctx context.Context, method, url string, body []byte, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", uuid.NewString())
	r.Header.Set("Prefer", "wait=30")
	answer, err := c.client.Do(r)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %.300s", method, url, answer.Status, data)
	}
	return json.Unmarshal(data, into)
}

// figure is what one measurement has shown.
type figure struct {
	perSecond        float64
	p50, p99         time.Duration
	writer, postgres float64 // seconds of a core for each command
}

func figureOf(took []time.Duration, seconds float64, before, after cost) (figure, error) {
	if len(took) == 0 {
		return figure{}, errors.New("nothing was answered")
	}
	slices.Sort(took)
	n := float64(len(took))
	return figure{
		perSecond: n / seconds, p50: took[len(took)/2], p99: took[len(took)*99/100],
		writer: (after.writer - before.writer) / n, postgres: (after.postgres - before.postgres) / n,
	}, nil
}

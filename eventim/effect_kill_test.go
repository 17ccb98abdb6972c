package eventim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

// serve lets other processes ask the provider.
func (p *provider) serve(t *testing.T) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, m told, done bool, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"What": m.What, "Done": done})
	}
	request := func(r *http.Request) (asked eventim.Request[charge]) {
		_ = json.NewDecoder(r.Body).Decode(&asked)
		return asked
	}
	mux.HandleFunc("POST /charge", func(w http.ResponseWriter, r *http.Request) {
		m, err := p.charge(context.WithoutCancel(r.Context()), request(r)) // it goes on when nobody listens
		answer(w, m, true, err)
	})
	mux.HandleFunc("POST /probe", func(w http.ResponseWriter, r *http.Request) {
		m, done, err := p.probe(r.Context(), request(r))
		answer(w, m, done, err)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// remote asks a provider in another process.
func remote(url string) eventim.Performer[charge, told] {
	ask := func(ctx context.Context, path string, r eventim.Request[charge]) (m told, done bool, err error) {
		body, err := json.Marshal(r)
		if err != nil {
			return m, false, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+path, bytes.NewReader(body))
		if err != nil {
			return m, false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return m, false, err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			return m, false, fmt.Errorf("the provider answers %s", resp.Status)
		}
		var says struct {
			What string
			Done bool
		}
		err = json.NewDecoder(resp.Body).Decode(&says)
		return told{says.What}, says.Done, err
	}
	with := newProvider().performer()
	with.Attempts = 1000
	with.Do = func(ctx context.Context, r eventim.Request[charge]) (told, error) {
		m, _, err := ask(ctx, "/charge", r)
		return m, err
	}
	with.Probe = func(ctx context.Context, r eventim.Request[charge]) (told, bool, error) { return ask(ctx, "/probe", r) }
	return with
}

// Processes that call are killed at random moments, two beside each other, and every
// first answer is lost: each order is charged once, and confirmed once.
func TestKilledCalls(t *testing.T) {
	t.Parallel()
	with := newProvider()
	with.answers = func(n int) error {
		if n == 1 {
			return errors.New("the answer is lost")
		}
		return nil
	}
	url := with.serve(t)
	p := newCharging(t, remote(url))
	defer handles(p, orders(p.name))()
	const rounds, each = 6, 10
	stop := p.killing(rounds, each, func(cc *childConfig) { cc.Provider = url })
	p.becomes(rounds*each, 0)
	stop()
	if asked, probed, keys, most := with.counts(); keys != rounds*each || most != 1 || probed < keys {
		t.Errorf("%d orders are charged, at most %d times; asked %d times, probed %d times", keys, most, asked, probed)
	}
	if n := p.commands(orders(p.name).Topics().Commands); n != 2*rounds*each {
		t.Errorf("%d commands to the orders, want one to place and one to confirm each of %d", n, rounds*each)
	}
}

package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// Provider is one of payments, as they are: it loses every other answer, and declines
// what costs too much.
type Provider struct {
	mu       sync.Mutex
	payments map[string]string // what it has charged, by the key of the request
	asked    int
}

// Charging says how the effect is performed.
func (p *Provider) Charging() eventim.Performer[Charge, Told] {
	return eventim.Performer[Charge, Told]{
		Effect: Charging, Timeout: 5 * time.Second, Attempts: 5, Pause: 500 * time.Millisecond,
		Do: p.charge, Probe: p.find,
		Failed: func(_ eventim.Request[Charge], err error) Told { return IsNotCharged{err.Error()} },
	}
}

func (p *Provider) charge(_ context.Context, r eventim.Request[Charge]) (Told, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked++; r.Payload.Price > 1000 {
		return nil, eventim.Permanent(errors.New("the payment is declined"))
	}
	p.payments[r.Key] = "payment-of-" + r.Payload.Order
	if p.asked%2 == 1 {
		return nil, errors.New("the connection is lost")
	}
	return IsCharged{p.payments[r.Key]}, nil
}

// find tells whether it has charged what it was asked before.
func (p *Provider) find(_ context.Context, r eventim.Request[Charge]) (Told, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	payment, charged := p.payments[r.Key]
	return IsCharged{payment}, charged, nil
}

package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/eventim-go/eventim/internal/journal"
)

// invoice is what the client knows of an invoice, from the last result.
type invoice struct {
	id      string
	version int64
	state   struct {
		Status     string `json:"status"`
		Balance    amount `json:"balance"`
		WrittenOff amount `json:"writtenOff"`
		Lines      []struct {
			ID string `json:"id"`
		} `json:"lines"`
		Payments []struct {
			ID string `json:"id"`
		} `json:"payments"`
	}
}

type amount struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// learn takes over what a result says. A rejection says something, too, where
// others work on the invoice.
func (v *invoice) learn(r result) error {
	switch unsent := v.state.Status == "" || v.state.Status == "draft"; {
	case r.Code == "invoice_exists":
		v.state.Status = "draft"
	case unsent && (r.Code == "invoice_not_draft" || r.Code == "invoice_deleted"):
		v.state.Status, v.state.Balance.Currency, v.state.Balance.Amount = "sent", "EUR", "1"
	}
	if r.Version < v.version {
		return nil
	}
	if r.Outcome != "accepted" {
		v.version = r.Version
		return nil
	}
	v.version = r.Version
	v.state.Lines, v.state.Payments = nil, nil
	return json.Unmarshal(r.State, &v.state)
}

// Work does things to invoices until End, or until so many have been created
// and worked off. Invoices of shared are worked on by others, too. When ctx
// ends it leaves commands behind whose outcome it does not know.
func (c *Client) Work(ctx context.Context, count int, shared []string) error {
	var open []*invoice
	for _, id := range shared {
		open = append(open, &invoice{id: id})
	}
	for created := 0; !c.ended.Load() && (created < count || len(open) > len(shared)); {
		i := len(shared) + c.random.IntN(4)
		if len(shared) > 0 && c.random.IntN(5) == 0 {
			i = c.random.IntN(len(shared))
		}
		if i >= len(open) {
			if created == count {
				i = c.random.IntN(len(open))
			} else {
				open, created = append(open, &invoice{id: uuid.Must(uuid.NewV7()).String()}), created+1
				i = len(open) - 1
			}
		}
		if err := c.step(ctx, open[i]); err != nil {
			return err
		}
		if s := open[i].state.Status; i >= len(shared) && (s == "paid" || s == "deleted" || s == "void") {
			open = append(open[:i], open[i+1:]...)
		}
	}
	return nil
}

// step asks for one thing, and sometimes asks again, or looks.
func (c *Client) step(ctx context.Context, v *invoice) error {
	if v.version > 0 && c.random.IntN(25) == 0 {
		return c.burst(ctx, v)
	}
	cmd := c.next(v)
	if v.version > 0 && c.random.IntN(3) == 0 {
		cmd.expected = new(v.version)
	}
	r, err := c.ask(ctx, cmd)
	if err != nil {
		return err
	}
	if err := v.learn(r); err != nil {
		return fmt.Errorf("the state in the result of %s: %w", cmd.id, err)
	}
	switch n := c.random.IntN(20); {
	case n < 3:
		return c.repeat(ctx, cmd)
	case n == 3:
		return c.reuse(ctx, cmd)
	case n < 9 && r.Outcome == "accepted":
		return c.read(ctx, v.id, r.Position, r.Version)
	}
	return nil
}

// ask sends a command in one of the ways that there are, and waits for the
// result on the websocket.
func (c *Client) ask(ctx context.Context, cmd command) (result, error) {
	if _, err := c.inbox.connected(ctx); err != nil {
		return result{}, err // without a connection there is no token to resume by
	}
	c.Journal.Add(journal.Entry{Kind: journal.Sent, Command: cmd.id, Invoice: cmd.invoice, Type: cmd.name})
	var position string
	switch way := c.random.IntN(3); way {
	case 0:
		var err error
		if position, err = c.sendSocket(ctx, cmd); err != nil {
			return result{}, err
		}
	default:
		r, err := c.post(ctx, cmd, c.random.IntN(len(c.nodes)), (way-1)*10)
		if err != nil || r.Outcome == "rejected" {
			return r, err
		}
		position = r.Position
	}
	return c.await(ctx, position)
}

// await waits for a result, but not for ever: that it is missing shows in the
// journal.
func (c *Client) await(ctx context.Context, position string) (result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patient, errMissing)
	defer cancel()
	r, err := c.inbox.result(ctx, position)
	if errors.Is(err, errMissing) {
		return result{}, nil
	}
	return r, err
}

var errMissing = errors.New("it has not come")

// repeat sends a command again, to any node.
func (c *Client) repeat(ctx context.Context, cmd command) error {
	r, err := c.post(ctx, cmd, c.random.IntN(len(c.nodes)), c.random.IntN(2)*10)
	if err != nil || r.Position == "" {
		return err
	}
	_, err = c.await(ctx, r.Position)
	return err
}

// reuse sends another command under the id of one.
func (c *Client) reuse(ctx context.Context, cmd command) error {
	other := newCommand(cmd.invoice, "ChangeDetails", details(c.random.IntN(1000), "another command"))
	other.id = cmd.id
	_, err := c.post(ctx, other, c.random.IntN(len(c.nodes)), 10)
	return err
}

// burst sends several commands at once that all expect the same version.
func (c *Client) burst(ctx context.Context, v *invoice) error {
	results := make([]result, 4)
	var g errgroup.Group
	for i := range results {
		cmd := c.next(v)
		cmd.expected = new(v.version)
		c.Journal.Add(journal.Entry{Kind: journal.Sent, Command: cmd.id, Invoice: cmd.invoice, Type: cmd.name})
		g.Go(func() (err error) {
			results[i], err = c.post(ctx, cmd, i, 10)
			if err == nil && results[i].Outcome == "pending" {
				results[i], err = c.await(ctx, results[i].Position)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, r := range results {
		if err := v.learn(r); err != nil {
			return err
		}
	}
	return nil
}

// Settle waits until the results of all acknowledged commands have been told,
// at most for a time. What is missing shows in the journal.
func (c *Client) Settle(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for _, e := range c.Journal.Entries() {
		if e.Kind != journal.Acknowledged {
			continue
		}
		if _, err := c.inbox.result(ctx, e.Position); err != nil {
			return
		}
	}
}

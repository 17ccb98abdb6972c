package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/eventim-go/eventim/internal/journal"
)

// refusal says that a node refused a command that it should have taken.
type refusal struct {
	cmd  command
	code string
}

func (r refusal) Error() string {
	return fmt.Sprintf("%s for %s was refused with %q", r.cmd.name, r.cmd.invoice, r.code)
}

// isTemporary tells whether a problem is one of the node or of what it needs.
func isTemporary(code string) bool {
	return slices.Contains([]string{
		"kafka_unavailable", "database_unavailable", "shutting_down", "internal", "too_many_commands", "view_behind", "too_many_connections",
	}, code)
}

// httpAnswer is the body of an answer or of a problem.
type httpAnswer struct {
	result
	Invoice        json.RawMessage `json:"invoice"`
	Code           string          `json:"code"`
	CurrentVersion int64           `json:"currentVersion"`
}

// post sends a command over HTTP, again until a node answers. With a wait of
// more than 0 seconds the answer has the result, unless that takes too long.
// The position is that of the last attempt; a rejection has none.
func (c *Client) post(ctx context.Context, cmd command, node, wait int) (result, error) {
	body, err := json.Marshal(cmd.payload)
	if err != nil {
		return result{}, err
	}
	for ; ctx.Err() == nil; node++ {
		address := c.nodes[node%len(c.nodes)]()
		if address == "" {
			pause(ctx, 20*time.Millisecond)
			continue
		}
		r, again, err := c.postOnce(ctx, cmd, body, node%len(c.nodes), address, wait)
		if !again {
			return r, err
		}
		pause(ctx, 50*time.Millisecond)
	}
	return result{}, fmt.Errorf("send %s: %w", cmd.name, context.Cause(ctx))
}

func (c *Client) postOnce(ctx context.Context, cmd command, body []byte, node int, address string, wait int) (_ result, again bool, _ error) {
	url := "http://" + address + "/api/invoices/" + cmd.invoice + "/commands/" + cmd.name
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return result{}, false, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", cmd.id)
	request.Header.Set("Eventim-Origin", c.Journal.Origin)
	if cmd.expected != nil {
		request.Header.Set("If-Match", strconv.Quote(strconv.FormatInt(*cmd.expected, 10)))
	}
	if wait > 0 {
		request.Header.Set("Prefer", "wait="+strconv.Itoa(wait))
	}
	var a httpAnswer
	status, err := c.do(request, &a)
	if err != nil || isTemporary(a.Code) || status >= 500 {
		return result{}, true, nil //nolint:nilerr // the outage is to be outlasted
	}
	return c.noteAnswer(cmd, node, status, a)
}

func (c *Client) noteAnswer(cmd command, node, status int, a httpAnswer) (_ result, again bool, _ error) {
	r := a.result
	r.ID, r.Invoice, r.State, r.Code = cmd.id, cmd.invoice, a.Invoice, a.Code
	entry := journal.Entry{Kind: journal.Acknowledged, Node: node, Command: cmd.id, Invoice: cmd.invoice, Type: cmd.name, Position: r.Position}
	switch status {
	case http.StatusAccepted:
		c.Journal.Add(entry)
		return r, false, nil
	case http.StatusOK:
		c.Journal.Add(entry)
	case http.StatusUnprocessableEntity, http.StatusPreconditionFailed:
		// A problem does not tell the outcome, and the version only of a conflict.
		r.Outcome, r.Version, entry.Outcome = "rejected", a.CurrentVersion, "rejected"
	default:
		return r, false, refusal{cmd, a.Code}
	}
	entry.Kind, entry.Outcome, entry.Version, entry.Code = journal.Answered, r.Outcome, a.Version, r.Code
	c.Journal.Add(entry)
	return r, false, nil
}

// do sends a request and reads the answer as JSON.
func (c *Client) do(request *http.Request, v any) (status int, err error) {
	response, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return 0, fmt.Errorf("%s answers %q: %w", request.URL, data, err)
	}
	return response.StatusCode, nil
}

// read reads an invoice that must be at least at a version, since the command
// at the position made it so. A node that cannot answer is no matter.
func (c *Client) read(ctx context.Context, invoice, position string, version int64) error {
	node := c.random.IntN(len(c.nodes))
	address := c.nodes[node]()
	if address == "" {
		return nil
	}
	query := url.Values{"position": {position}, "wait": {"20s"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/invoices/"+invoice+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	var a struct {
		Version int64  `json:"version"`
		Code    string `json:"code"`
	}
	status, err := c.do(request, &a)
	if err != nil || isTemporary(a.Code) || status >= 500 {
		return nil //nolint:nilerr // see above
	}
	c.Journal.Add(journal.Entry{Kind: journal.Read, Node: node, Invoice: invoice, Position: position, Version: a.Version, Wanted: version, Code: a.Code})
	return nil
}

package load

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/internal/journal"
)

const (
	subprotocol = "eventim.v1.json"

	// silence is after what time a connection counts as dead: a node that was
	// stopped, not killed, keeps its connections open. The server sends a
	// heartbeat every 15 s.
	silence = 40 * time.Second
)

// connection is one life of the websocket.
type connection struct {
	node int
	conn *websocket.Conn
	mu   sync.Mutex // for writing
}

// frame is what a server sends; a result is a part of it.
type frame struct {
	Type    string `json:"type"`
	Token   string `json:"token"`
	Resumed bool   `json:"resumed"`
	Problem struct {
		Code string `json:"code"`
	} `json:"problem"`
	result
}

// Run keeps the websocket connected, at one node or another, until ctx ends.
func (c *Client) Run(ctx context.Context) {
	token := ""
	for i := c.first; ctx.Err() == nil; i++ {
		node := i % len(c.nodes)
		if address := c.nodes[node](); address != "" {
			c.session(ctx, node, address, &token)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// session is one connection, from hello to its end.
func (c *Client) session(ctx context.Context, node int, address string, token *string) {
	dialer := websocket.Dialer{HandshakeTimeout: 5 * time.Second, Subprotocols: []string{subprotocol}}
	ws, response, err := dialer.DialContext(ctx, "ws://"+address+"/api/live", http.Header{})
	if err != nil {
		return // the node is down, or not ready
	}
	_ = response.Body.Close()
	defer func() { _ = ws.Close() }()
	defer context.AfterFunc(ctx, func() { _ = ws.Close() })()
	k := &connection{node: node, conn: ws}
	if k.write(map[string]string{"type": "hello", "origin": c.Journal.Origin, "token": *token}) != nil {
		return
	}
	defer c.inbox.update(func() { c.inbox.conn = nil })
	for {
		if ws.SetReadDeadline(time.Now().Add(silence)) != nil {
			return
		}
		_, data, err := ws.ReadMessage()
		if err != nil {
			return
		}
		var f frame
		if json.Unmarshal(data, &f) != nil {
			return
		}
		c.hear(k, f, token)
	}
}

// hear notes a frame. The token is that of what has been noted.
func (c *Client) hear(k *connection, f frame, token *string) {
	switch f.Type {
	case "welcome":
		c.Journal.Add(journal.Entry{Kind: welcomeKind(*token, f.Resumed), Node: k.node})
		c.inbox.update(func() { c.inbox.conn = k })
	case "result":
		c.Journal.Add(journal.Entry{
			Kind: journal.Delivered, Node: k.node, Command: f.ID, Invoice: f.Invoice, Position: f.Position,
			Outcome: f.Outcome, Version: f.Version, Code: f.Code,
		})
		c.inbox.update(func() { c.inbox.results[f.Position] = f.result })
	case "ack":
		c.inbox.update(func() { c.inbox.acks[f.ID] = ack{position: f.Position} })
	case "refused":
		c.inbox.update(func() { c.inbox.acks[f.ID] = ack{code: f.Problem.Code} })
	}
	if f.Token != "" {
		*token = f.Token
	}
}

func welcomeKind(token string, resumed bool) journal.Kind {
	switch {
	case token == "":
		return journal.Connected
	case resumed:
		return journal.Resumed
	default:
		return journal.Refused
	}
}

func (k *connection) write(v any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.conn.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	return k.conn.WriteJSON(v)
}

// sendSocket sends a command over the websocket, again until it is
// acknowledged, and returns its position.
func (c *Client) sendSocket(ctx context.Context, cmd command) (string, error) {
	for {
		conn, err := c.inbox.connected(ctx)
		if err != nil {
			return "", err
		}
		err = conn.write(map[string]any{
			"type": "command", "id": cmd.id, "invoice": cmd.invoice, "command": cmd.name, "expected": cmd.expected, "payload": cmd.payload,
		})
		if err != nil {
			_ = conn.conn.Close() // the reader sees it
			pause(ctx, 20*time.Millisecond)
			continue
		}
		a, ok, err := c.inbox.ack(ctx, conn, cmd.id)
		switch {
		case err != nil:
			return "", err
		case ok && a.position != "":
			c.Journal.Add(journal.Entry{Kind: journal.Acknowledged, Node: conn.node, Command: cmd.id, Invoice: cmd.invoice, Type: cmd.name, Position: a.position})
			return a.position, nil
		case ok && !isTemporary(a.code):
			return "", refusal{cmd, a.code}
		}
		pause(ctx, 50*time.Millisecond)
	}
}

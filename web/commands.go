package web

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/web/access"
)

const (
	sendTimeout = 5 * time.Second
	maxWait     = time.Minute

	// creation is the command that no invoice may exist for yet.
	creation = "CreateInvoice"
)

// commandRequest is a command as HTTP or a websocket brings it.
type commandRequest struct {
	id          string // of the command; generated when empty
	invoice     string
	name        string // wire name of the command
	expected    *int64
	payload     []byte
	origin      string
	actor       string
	principal   access.Principal
	traceparent string
}

// submit checks a command and sends it to Kafka. The problem says whether the
// outcome is known.
func (s *Server) submit(ctx context.Context, r commandRequest) (eventim.Position, *Problem) {
	if problem := s.mayCommand(r.principal, r.name); problem != nil {
		return eventim.Position{}, problem.about(r.id)
	}
	cmd, problem := s.command(r)
	if problem != nil {
		return eventim.Position{}, problem.about(r.id) // also without Kafka: to try again would not help
	}
	l := s.live.Load()
	if l == nil {
		return eventim.Position{}, newProblem(codeKafkaDown,
			"This server is not connected to Kafka. The command was not sent; try again.").about(r.id)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	sent, err := l.sender.Send(ctx, cmd)
	_, changed := errors.AsType[*eventim.TopicsError](err)
	switch {
	case changed:
		s.log.Error("command refused: nobody would handle it", "command", r.id, "error", err)
		return eventim.Position{}, newProblem(codeTopicsChanged,
			"The topics in Kafka were changed, so that nobody would handle the command. It was not sent.").about(r.id)
	case errors.Is(err, eventim.ErrTooLarge):
		return eventim.Position{}, newProblem(codeCommandTooLarge, "%s.", sentence(err)).about(r.id)
	case err != nil:
		s.log.Warn("command not acknowledged", "command", r.id, "invoice", r.invoice, "error", err)
		return eventim.Position{}, newProblem(codeKafkaDown,
			"Kafka did not acknowledge the command in time, so that its outcome is unknown. "+
				"Send it again with the same Idempotency-Key (%s): it takes effect at most once.", r.id).about(r.id)
	}
	return sent.Position, nil
}

// command is the command that a request asks for. Its rules are those of every
// way in: a handler holds them against what comes by Kafka alone.
func (s *Server) command(r commandRequest) (eventim.Command[invoices.Command], *Problem) {
	cmd := eventim.Command[invoices.Command]{
		ID: r.id, Aggregate: r.invoice, Expected: r.expected,
		Metadata: eventim.Metadata{Origin: r.origin, Actor: r.actor, Traceparent: r.traceparent},
	}
	var err error
	cmd.Payload, err = s.aggregate.ParseCommand(r.name, r.payload)
	if errors.Is(err, eventim.ErrUnknownCommand) || !invoices.Asked(r.name) {
		return cmd, newProblem(codeCommandUnknown, "%q is not a command of invoices.", r.name)
	}
	if r.name == creation && r.expected == nil {
		cmd.Expected = new(int64(0))
	}
	if err := cmd.Check(); err != nil {
		return cmd, newProblem(codeRequestInvalid, "%s.", sentence(err))
	}
	if err != nil {
		p := newProblem(codePayloadInvalid, "%s: %s.", r.name, err)
		if invalid, ok := errors.AsType[*eventim.InvalidError](err); ok {
			p.Pointer = invalid.Pointer
		}
		return cmd, p
	}
	return cmd, nil
}

func newCommandID() string { return uuid.Must(uuid.NewV7()).String() }

// sentence is the text of an error for people: it starts with a capital.
func sentence(err error) string {
	s := strings.ReplaceAll(err.Error(), "\n", "; ") // joined errors
	return strings.ToUpper(s[:1]) + s[1:]
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/invoices/views"
)

type invoiceCommandInput struct {
	Invoice string `path:"id" minLength:"1" doc:"The invoice. An id of dots is written with a ~ before it: ~.. is the invoice \"..\"."`
	ID      string `path:"key" minLength:"1" doc:"The command id, written in the same way."`
}

// Resolve reads the ids as they are written in a path; huma calls it.
func (in *invoiceCommandInput) Resolve(huma.Context) []error {
	in.Invoice, in.ID = idOf(in.Invoice), idOf(in.ID)
	return nil
}

type commandInput struct {
	ID string `path:"id" minLength:"1" doc:"The command id. An id of dots is written with a ~ before it."`
}

// Resolve reads the id as it is written in a path; huma calls it.
func (in *commandInput) Resolve(huma.Context) []error {
	in.ID = idOf(in.ID)
	return nil
}

type commandOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         CommandAnswer
}

func (s *Server) getInvoiceCommand(ctx context.Context, in *invoiceCommandInput) (*commandOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	r, err := views.GetCommandResult(ctx, s.pool, in.Invoice, in.ID)
	if errors.Is(err, views.ErrNotFound) {
		return nil, commandNotFound(in.ID)
	}
	if err != nil {
		return nil, s.readProblem(err)
	}
	return s.commandOutput(r)
}

// getCommand answers for those who know no more than the id, as long as it
// tells the command.
func (s *Server) getCommand(ctx context.Context, in *commandInput) (*commandOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	found, err := views.GetCommandResults(ctx, s.pool, in.ID)
	switch {
	case err != nil:
		return nil, s.readProblem(err)
	case len(found) == 0:
		return nil, commandNotFound(in.ID)
	case len(found) > 1:
		return nil, commandAmbiguous(in.ID, found)
	default:
		return s.commandOutput(found[0])
	}
}

func commandNotFound(id string) *Problem {
	return newProblem(codeCommandNotFound,
		"No result of command %s is known. If it was accepted, ask again in a moment.", id).about(id)
}

func commandAmbiguous(id string, found []views.CommandResult) *Problem {
	p := newProblem(codeCommandAmbiguous,
		"The command id %s was used for several invoices, each of which has an answer of its own: follow one of the links.", id).about(id)
	for _, r := range found {
		p.Links = append(p.Links, commandPath(r.Aggregate, r.CommandID))
	}
	return p
}

func (s *Server) commandOutput(r views.CommandResult) (*commandOutput, error) {
	body, err := commandAnswer(r)
	if err != nil {
		return nil, s.readProblem(err)
	}
	return &commandOutput{noStore, body}, nil
}

func commandAnswer(r views.CommandResult) (CommandAnswer, error) {
	a := CommandAnswer{
		CommandID: r.CommandID, InvoiceID: r.Aggregate, Outcome: r.Outcome, Version: r.Version, Code: r.Code, Message: r.Message,
		Position: r.Position.String(),
	}
	var value struct {
		Events   []eventJSON
		Snapshot struct{ Data json.RawMessage }
	}
	if err := json.Unmarshal(r.Value, &value); err != nil {
		return a, fmt.Errorf("result of command %s: %w", r.CommandID, err)
	}
	a.Events, a.Invoice = value.Events, invoiceJSON{value.Snapshot.Data}
	if len(value.Events) > 0 {
		a.Effect = r.Effect.String()
	}
	return a, nil
}

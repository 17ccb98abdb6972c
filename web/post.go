package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// maxBody is how long a body and a websocket frame may be, in bytes.
const maxBody = 1 << 20

type postInput struct {
	Invoice     string `path:"id" format:"id" pattern:"^[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}]{1,128}$" patternDescription:"1 to 128 bytes of characters that can be seen, none of them a space" doc:"The invoice: 1 to 128 bytes of UTF-8 in NFC. An id of dots is written with a ~ before it. Clients choose the id of a new one; take a UUIDv7." example:"01998b5e-8d8c-7cc1-a2a1-0f2c6f4b7a10"`
	Key         string `header:"Idempotency-Key" pattern:"^(\"[!#-~]{1,126}\"|[!#-~]{1,128})$" patternDescription:"1 to 128 printable characters of ASCII, none of them a space or a quote, within quotes or not" doc:"The command id, which belongs to the invoice: a repeat for the same invoice has no second effect and gets the first answer; for another invoice it is another command. Generated when missing; send one, so that a retry is safe."`
	IfMatch     string `header:"If-Match" pattern:"^[ \t]*([*]|(W/)?\"(0|[1-9][0-9]{0,17})\"([ \t]*,[ \t]*(W/)?\"(0|[1-9][0-9]{0,17})\")*|0|[1-9][0-9]{0,17})[ \t]*$" patternDescription:"a version that was seen, such as \"4\", or *" doc:"The version of the invoice that was seen, as an ETag or a view tells it, such as \"4\": at another one the command is rejected with 412. A weak tag counts like a strong one, and of several the newest counts. * asks only that the invoice exists."`
	Prefer      string `header:"Prefer" doc:"RFC 7240. wait=N waits up to N seconds (at most 60) for the result; otherwise the answer is 202." example:"wait=5"`
	Origin      string `header:"Eventim-Origin" pattern:"^[!-~]{1,128}$" patternDescription:"1 to 128 printable characters of ASCII, none of them a space" doc:"The page that wants the result on its websocket: the origin of its hello."`
	Traceparent string `header:"Traceparent" doc:"W3C Trace Context. One that cannot be read is ignored."`
	ContentType string `header:"Content-Type" hidden:"true"`
	Encoding    string `header:"Content-Encoding" hidden:"true"`
	RawBody     []byte `contentType:"application/json"`
}

// Resolve reads the id as it is written in a path; huma calls it.
func (in *postInput) Resolve(huma.Context) []error {
	in.Invoice = idOf(in.Invoice)
	return nil
}

type postOutput struct {
	Status     int
	ETag       string `header:"ETag" doc:"The version of the invoice."`
	Location   string `header:"Location" doc:"Where the result can be fetched: the answer to this command id for this invoice."`
	Preference string `header:"Preference-Applied"`
	Body       CommandAnswer
}

// CommandAnswer is what became of a command.
type CommandAnswer struct {
	CommandID string      `json:"commandId" doc:"The command id."`
	InvoiceID string      `json:"invoiceId"`
	Type      string      `json:"type,omitempty" doc:"The command." example:"ReceivePayment"`
	Outcome   string      `json:"outcome" enum:"pending,accepted,rejected,failed"`
	Version   int64       `json:"version,omitempty" doc:"Version of the invoice after the command."`
	Position  string      `json:"position,omitempty" doc:"The position of the command. While the outcome is pending, a read can wait for it: for what it will have changed, or for nothing." example:"3:1042"`
	Effect    string      `json:"effect,omitempty" doc:"The position for which a read waits to see what this answer tells: that of the command which caused the events. It is absent when nothing took effect, so that there is nothing to wait for." example:"3:1042"`
	Replayed  bool        `json:"replayed" doc:"The command id was used before for this invoice; this is the first answer."`
	Code      string      `json:"code,omitempty" doc:"Why it was not accepted, for programs."`
	Message   string      `json:"message,omitempty" doc:"Why it was not accepted, for people."`
	Events    []eventJSON `json:"events,omitempty" doc:"What happened."`
	Invoice   invoiceJSON `json:"invoice,omitzero" doc:"The invoice after the command."`
}

// request reads the headers of a command; what its body says is submit's.
func (in *postInput) request(ctx context.Context, name string) (commandRequest, *Problem) {
	r := commandRequest{
		id: strings.Trim(in.Key, `"`), invoice: in.Invoice, name: name, payload: in.RawBody,
		origin: in.Origin, traceparent: in.Traceparent,
	}
	if r.id == "" {
		r.id = newCommandID()
	}
	if problem := mediaProblem(in.ContentType, in.Encoding, in.RawBody); problem != nil {
		return r, problem
	}
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return r, newProblem(codeRequestInvalid, "%s.", sentence(err))
	}
	if match.exists && name == creation {
		return r, newProblem(eventim.CodeVersionConflict,
			"If-Match is *, which asks for an invoice that exists, and %s for one that does not.", creation).about(r.id)
	}
	var problem *Problem
	r.expected = match.version
	r.actor, problem = actorOf(ctx)
	r.principal = principalOf(ctx)
	return r, problem
}

// post answers one command type.
func (s *Server) post(ctx context.Context, name string, in *postInput) (*postOutput, error) {
	r, problem := in.request(ctx, name)
	if problem != nil {
		return nil, problem
	}
	wait := parsePrefer(in.Prefer)
	if wait == 0 {
		position, problem := s.submit(context.WithoutCancel(ctx), r) // it was asked for, whoever hangs up
		if problem != nil {
			return nil, problem
		}
		return pending(r, position, 0), nil
	}
	return s.postAndWait(ctx, r, wait)
}

func (s *Server) postAndWait(ctx context.Context, r commandRequest, wait time.Duration) (*postOutput, error) {
	var answer *eventim.Expectation
	if l := s.live.Load(); l != nil {
		answer = l.inbox.Expect(r.invoice, r.id) // before it is sent: the result may come before Send returns
		defer answer.Forget()
	}
	position, problem := s.submit(context.WithoutCancel(ctx), r) // it was asked for, whoever hangs up
	if problem != nil {
		return nil, problem
	}
	if answer == nil {
		return pending(r, position, wait), nil // we have connected to Kafka meanwhile
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.drained, cancel)() //nolint:contextcheck // it is inherited
	rec, err := answer.Await(ctx, position)
	if err != nil {
		return pending(r, position, wait), nil //nolint:nilerr // that time is over is no error
	}
	a, err := decodeAnswer(s.aggregate, rec)
	if err != nil {
		s.log.Error("cannot read a result", "error", err)
		return pending(r, position, wait), nil
	}
	return done(r, a, wait)
}

func pending(r commandRequest, position eventim.Position, wait time.Duration) *postOutput {
	return &postOutput{
		Status: http.StatusAccepted, Location: commandPath(r.invoice, r.id), Preference: applied(wait),
		Body: CommandAnswer{
			CommandID: r.id, InvoiceID: r.invoice, Type: r.name, Outcome: "pending", Position: position.String(),
		},
	}
}

func done(r commandRequest, a answer, wait time.Duration) (*postOutput, error) {
	if a.outcome != eventim.Accepted {
		return nil, a.problem()
	}
	return &postOutput{
		Status: http.StatusOK, ETag: etag(a.version), Location: commandPath(r.invoice, r.id), Preference: applied(wait),
		Body: CommandAnswer{
			CommandID: a.command, InvoiceID: a.invoice, Type: r.name, Outcome: string(a.outcome), Version: a.version,
			Position: a.position.String(), Effect: a.effect, Replayed: a.replayed, Events: a.events, Invoice: invoiceJSON{a.state},
		},
	}, nil
}

func applied(wait time.Duration) string {
	if wait == 0 {
		return ""
	}
	return "wait=" + strconv.Itoa(int(wait.Seconds()))
}

// invoiceJSON is the state of an invoice as its codec wrote it.
type invoiceJSON struct{ json.RawMessage }

// IsZero leaves it out when there is none.
func (v invoiceJSON) IsZero() bool { return len(v.RawMessage) == 0 }

// Schema is that of the domain's type.
func (invoiceJSON) Schema(r huma.Registry) *huma.Schema { return schemaOf[invoices.Invoice](r) }

// eventData is an event as its codec wrote it.
type eventData struct{ json.RawMessage }

// Schema says no more than that it is an object.
func (eventData) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/eventim"
)

// Codes of the problems that this package itself finds. Like those of the
// domain and of eventim they are part of the interface: never change one.
const (
	codeCommandUnknown   = "command_unknown"
	codeCommandTooLarge  = "command_too_large"
	codeCommandNotFound  = "command_not_found"
	codeCommandAmbiguous = "command_ambiguous"
	codeTooManyCommands  = "too_many_commands"
	codePayloadInvalid   = "payload_invalid"
	codeRequestInvalid   = "request_invalid"
	codeRequestTooLarge  = "request_too_large"
	codeMediaType        = "media_type_unsupported"
	codeNotAcceptable    = "not_acceptable"
	codeNotFound         = "not_found"
	codeInvoiceNotFound  = "invoice_not_found"
	codeVersionNotFound  = "version_not_found"
	codeCrossOrigin      = "cross_origin"
	codeMisdirected      = "misdirected_request"
	codeMethod           = "method_not_allowed"
	codeRequestTimeout   = "request_timeout"
	codeHeaderTooLarge   = "header_too_large"
	codeTransferEncoding = "transfer_encoding_unsupported"
	codeHTTPVersion      = "http_version_unsupported"
	codeHandshake        = "handshake_invalid"
	codeSubprotocol      = "subprotocol_missing"
	codeTooManySockets   = "too_many_connections"
	codeShuttingDown     = "shutting_down"
	codeViewMissing      = "view_missing"
	codeViewBehind       = "view_behind"
	codePositionUnknown  = "position_unknown"
	codeKafkaDown        = "kafka_unavailable"
	codeTopicsChanged    = "topics_changed"
	codeDatabaseDown     = "database_unavailable"
	codeRebuildNotFound  = "rebuild_not_found"
	codeRebuildState     = "rebuild_state"
	codeRebuildDiffers   = "rebuild_differs"
	codeRebuildBehind    = "rebuild_behind"
	codeLetterNotFound   = "dead_letter_not_found"
	codeDeadLetterEnded  = "dead_letter_ended"
	codeDeadLetterGone   = "dead_letter_gone"
	codeNotParked        = "not_parked"
	codeOrderPending     = "order_pending"
	codeLoginRequired    = "login_required"
	codeForbidden        = "forbidden"
	codeSessionNotFound  = "session_not_found"
	codeSessionsDown     = "sessions_unavailable"
	codeTooManyRequests  = "too_many_requests"
	codeTokenUnknown     = "token_unknown"
	codeTokenNotFound    = "token_not_found"
	codeTokenRefused     = "token_refused"
	codeInternal         = "internal"
	problemNamespace     = "urn:eventim:problem:"
	problemContentType   = "application/problem+json"
	retryAfterSuggestion = 2 * time.Second
)

// kind is what all problems of one code have in common.
type kind struct {
	status int
	title  string
}

// kinds is the one table from codes to statuses. A code that it lacks is a
// rejection by the domain: 422.
var kinds = map[string]kind{
	eventim.CodeVersionConflict: {http.StatusPreconditionFailed, "The invoice has changed in the meantime"},
	eventim.CodeCommandIDReused: {http.StatusUnprocessableEntity, "The command id was used for another command"},
	eventim.CodeAnswerGone:      {http.StatusConflict, "The command was handled before, and its result is not kept any more"},
	eventim.CodeUndecodable:     {http.StatusInternalServerError, "The command handler cannot read the command"},
	eventim.CodePanic:           {http.StatusInternalServerError, "The command handler failed on the command"},
	eventim.CodeWrongPartition:  {http.StatusInternalServerError, "The command was sent to a wrong partition"},
	eventim.CodeInvalidEnvelope: {http.StatusBadRequest, "An id of the command, or who sends it, cannot be used"},
	codeCommandUnknown:          {http.StatusNotFound, "There is no such command"},
	codeCommandTooLarge:         {http.StatusRequestEntityTooLarge, "The command is too large"},
	codeCommandNotFound:         {http.StatusNotFound, "The command is not known (yet)"},
	codeCommandAmbiguous:        {http.StatusConflict, "The command id was used for several invoices"},
	codeTooManyCommands:         {http.StatusTooManyRequests, "Too many commands at once"},
	codePayloadInvalid:          {http.StatusBadRequest, "The payload cannot be read"},
	codeRequestInvalid:          {http.StatusBadRequest, "The request cannot be read"},
	codeRequestTooLarge:         {http.StatusRequestEntityTooLarge, "The request is too large"},
	codeMediaType:               {http.StatusUnsupportedMediaType, "The body must be JSON"},
	codeNotAcceptable:           {http.StatusNotAcceptable, "The answer is JSON"},
	codeNotFound:                {http.StatusNotFound, "There is nothing here"},
	codeVersionNotFound:         {http.StatusNotFound, "The invoice has no such version (yet)"},
	codeCrossOrigin:             {http.StatusForbidden, "The request comes from another site"},
	codeMisdirected:             {http.StatusMisdirectedRequest, "The request is meant for another server"},
	codeMethod:                  {http.StatusMethodNotAllowed, "There is something here, but not for this method"},
	codeRequestTimeout:          {http.StatusRequestTimeout, "The request took too long to arrive"},
	codeHeaderTooLarge:          {http.StatusRequestHeaderFieldsTooLarge, "The head of the request is too large"},
	codeTransferEncoding:        {http.StatusNotImplemented, "The transfer coding is not known"},
	codeHTTPVersion:             {http.StatusHTTPVersionNotSupported, "The version of HTTP is not known"},
	codeHandshake:               {http.StatusBadRequest, "The websocket handshake cannot be read"},
	codeSubprotocol:             {http.StatusBadRequest, "The websocket subprotocol is missing"},
	codeTooManySockets:          {http.StatusServiceUnavailable, "Too many live connections"},
	codeShuttingDown:            {http.StatusServiceUnavailable, "The server is shutting down"},
	codeViewMissing:             {http.StatusServiceUnavailable, "The view does not exist yet"},
	codeViewBehind:              {http.StatusServiceUnavailable, "The view has not caught up yet"},
	codePositionUnknown:         {http.StatusUnprocessableEntity, "There is no such position"},
	codeKafkaDown:               {http.StatusServiceUnavailable, "Commands cannot be accepted right now"},
	codeTopicsChanged:           {http.StatusServiceUnavailable, "Commands cannot be accepted until an operator has mended the topics"},
	codeDatabaseDown:            {http.StatusServiceUnavailable, "Invoices cannot be read right now"},
	codeRebuildNotFound:         {http.StatusNotFound, "The view is not being rebuilt"},
	codeRebuildState:            {http.StatusConflict, "The rebuild does not allow that now"},
	codeRebuildDiffers:          {http.StatusConflict, "The rebuild is not known to equal the live rows"},
	codeRebuildBehind:           {http.StatusServiceUnavailable, "The rebuild has not come as far as the live rows"},
	codeLetterNotFound:          {http.StatusNotFound, "There is no such dead letter"},
	codeDeadLetterEnded:         {http.StatusConflict, "The dead letter was retried or discarded before"},
	codeDeadLetterGone:          {http.StatusConflict, "The command of the dead letter is not kept any more"},
	codeNotParked:               {http.StatusNotFound, "The instance is not parked"},
	codeOrderPending:            {http.StatusServiceUnavailable, "It was sent, and has not been answered yet"},
	codeLoginRequired:           {http.StatusUnauthorized, "You are not logged in"},
	codeForbidden:               {http.StatusForbidden, "Your role does not allow this"},
	codeSessionNotFound:         {http.StatusNotFound, "There is no such session"},
	codeTooManyRequests:         {http.StatusTooManyRequests, "Too many requests in a short time"},
	codeTokenUnknown:            {http.StatusUnauthorized, "The token is not one that counts"},
	codeTokenNotFound:           {http.StatusNotFound, "There is no such token"},
	codeTokenRefused:            {http.StatusUnprocessableEntity, "Such a token is not made"},
	codeSessionsDown:            {http.StatusServiceUnavailable, "It cannot be found out who you are"},
	codeInternal:                {http.StatusInternalServerError, "Something went wrong"},
}

// Problem is how every error is told: RFC 9457 with a stable code.
type Problem struct {
	Type           string   `json:"type" doc:"urn:eventim:problem:<code>" example:"urn:eventim:problem:version_conflict"`
	Title          string   `json:"title" doc:"What kind of problem it is; the same for every problem of a code."`
	Status         int      `json:"status" doc:"The HTTP status."`
	Detail         string   `json:"detail" doc:"What happened this time, and what to do about it."`
	Code           string   `json:"code" doc:"Stable code for programs." example:"version_conflict"`
	CommandID      string   `json:"commandId,omitempty" doc:"The command that the problem is about."`
	CurrentVersion *int64   `json:"currentVersion,omitempty" doc:"The version of the invoice, when the code is version_conflict."`
	Pointer        string   `json:"pointer,omitempty" doc:"Where in the body it is, as a JSON Pointer (RFC 6901)." example:"/lines/0/quantity"`
	Links          []string `json:"links,omitempty" doc:"Where the answers are, when the code is command_ambiguous."`
	Errors         []string `json:"errors,omitempty" doc:"One line for each thing that is wrong with the request."`
}

// kindOf is that of a code, also of one that the domain made.
func kindOf(code string) kind {
	if k, ok := kinds[code]; ok {
		return k
	}
	return kind{http.StatusUnprocessableEntity, "The command was rejected"}
}

func newProblem(code, format string, args ...any) *Problem {
	k := kindOf(code)
	return &Problem{
		Type: problemNamespace + code, Title: k.title, Status: k.status, Detail: fmt.Sprintf(format, args...), Code: code,
	}
}

func (p *Problem) about(commandID string) *Problem {
	p.CommandID = commandID
	return p
}

// Error makes a problem the error that an operation returns.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status; huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457; huma asks for it.
func (p *Problem) ContentType(string) string { return problemContentType }

// GetHeaders says when to try again, or with what; huma asks for it.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusUnsupportedMediaType {
		h.Set("Accept", "application/json")
		h.Set("Accept-Encoding", "identity")
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="eventim"`)
	}
	if retryable(p.Status) {
		h.Set("Retry-After", strconv.Itoa(int(retryAfterSuggestion.Seconds())))
	}
	return h
}

// write answers a request that huma does not see.
func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, p.GetHeaders())
	h.Set("Content-Type", problemContentType)
	h.Set("Cache-Control", noStore)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone
}

// huma makes its own errors with this function, for parameters and bodies that
// it refuses. It is a variable of huma's package, so it is set only once.
func init() { huma.NewError = problemOfHuma }

// humaBodyUnread is what huma says when reading a body fails.
const humaBodyUnread = "cannot read request body"

func problemOfHuma(status int, message string, errs ...error) huma.StatusError {
	code, ok := map[int]string{
		http.StatusRequestEntityTooLarge: codeRequestTooLarge,
		http.StatusUnsupportedMediaType:  codeMediaType,
		http.StatusNotAcceptable:         codeNotAcceptable,
		http.StatusNotFound:              codeNotFound,
		http.StatusRequestTimeout:        codeRequestTimeout,
	}[status]
	switch {
	case ok:
	case message == humaBodyUnread: // a 500 for huma, but it is the client that hung up or miscounted
		return newProblem(codeRequestInvalid, "The body does not end where its length, or its chunks, say.")
	case status >= 400 && status < 500:
		code = codeRequestInvalid // huma's 422 too: ours is for what the domain rejects
	default:
		return newProblem(codeInternal, "The server could not answer; its log says why.")
	}
	p := newProblem(code, "%s", cmp.Or(message, "The request cannot be read."))
	for _, err := range errs {
		p.Errors = append(p.Errors, describe(err))
	}
	if len(p.Errors) > 0 {
		p.Detail += ": " + strings.Join(p.Errors, "; ")
	}
	return p
}

// describe leaves out the value, which huma's own text repeats to the sender.
func describe(err error) string {
	if d, ok := errors.AsType[*huma.ErrorDetail](err); ok && d.Location != "" {
		return d.Location + ": " + d.Message
	}
	return err.Error()
}

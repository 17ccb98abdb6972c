package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// outcome is a problem that an operation may end with.
type outcome struct {
	status int
	code   string
}

func outcomes(codes ...string) []outcome {
	all := make([]outcome, len(codes))
	for i, code := range codes {
		all[i] = outcome{kindOf(code).status, code}
	}
	return all
}

// What each kind of operation may end with, for the description of the API.
var (
	anyOutcome = outcomes(
		codeRequestInvalid, codeMisdirected, codeHeaderTooLarge, codeInternal, codeLoginRequired, codeTokenUnknown, codeForbidden, codeTooManyRequests, codeSessionsDown,
	)

	readOutcomes   = slices.Concat(anyOutcome, outcomes(codeViewMissing, codeDatabaseDown))
	awaitOutcomes  = slices.Concat(readOutcomes, outcomes(codePositionUnknown, codeViewBehind))
	findOutcomes   = slices.Concat(awaitOutcomes, []outcome{{http.StatusNotFound, codeInvoiceNotFound}})
	pastOutcomes   = slices.Concat(findOutcomes, outcomes(codeVersionNotFound))
	lookUpOutcomes = slices.Concat(readOutcomes, outcomes(codeCommandNotFound))

	commandOutcomes = slices.Concat(anyOutcome, outcomes(
		codePayloadInvalid, codeCrossOrigin, codeRequestTimeout, codeRequestTooLarge, codeCommandTooLarge, codeMediaType,
		codeKafkaDown, codeTopicsChanged,
		eventim.CodeVersionConflict, eventim.CodeCommandIDReused, eventim.CodeAnswerGone, eventim.CodeRejected,
		eventim.CodeUndecodable, eventim.CodePanic, eventim.CodeUnencodable, eventim.CodeTooLarge, eventim.CodeWrongPartition,
	), outcomes(invoices.Codes()...))
)

// describeProblems says which codes come with which status.
func describeProblems(responses map[string]*huma.Response, outcomes []outcome) {
	codes := map[int][]any{}
	for _, o := range outcomes {
		codes[o.status] = append(codes[o.status], o.code)
	}
	for _, status := range slices.Sorted(maps.Keys(codes)) {
		response := &huma.Response{
			Description: http.StatusText(status),
			Content: map[string]*huma.MediaType{problemContentType: {Schema: &huma.Schema{
				AllOf: []*huma.Schema{
					{Ref: "#/components/schemas/Problem"},
					{Properties: map[string]*huma.Schema{"code": {Type: huma.TypeString, Enum: codes[status]}}},
				},
			}}},
		}
		if retryable(status) {
			response.Headers = map[string]*huma.Param{"Retry-After": {
				Description: "After how many seconds to try again.", Schema: &huma.Schema{Type: huma.TypeInteger},
			}}
		}
		responses[strconv.Itoa(status)] = response
	}
	for status := range responses {
		n, err := strconv.Atoi(status)
		if !strings.HasPrefix(status, "2") && (err != nil || codes[n] == nil) {
			delete(responses, status) // huma's guess
		}
	}
}

// retryable tells answers that the same request may not get later.
func retryable(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

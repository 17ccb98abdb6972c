package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/IBM/sarama"
	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/operations"
)

var (
	letterOutcomes = slices.Concat(anyOutcome, outcomes(codeKafkaDown))
	letterChanges  = slices.Concat(letterOutcomes, outcomes(
		codeCrossOrigin, codeLetterNotFound, codeDeadLetterEnded, codeDeadLetterGone, codeCommandTooLarge, codeOrderPending,
	))
)

// registerDeadLetters adds what an operator does with what could not be handled.
func (s *Server) registerDeadLetters(api huma.API) {
	op := func(method, id, path, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: "/api/operations" + path, Summary: summary,
			Tags: []string{"operations"}, Responses: map[string]*huma.Response{},
		}
	}
	register(api, op(http.MethodGet, "ListDeadLetters", "/dead-letters", "The commands that could not be handled"), letterOutcomes, s.listDeadLetters)
	register(api, op(http.MethodGet, "GetDeadLetter", "/dead-letters/{id}", "One of them, with its headers and its payload"),
		slices.Concat(letterOutcomes, outcomes(codeLetterNotFound)), s.getDeadLetter)
	retry := op(http.MethodPost, "RetryDeadLetter", "/dead-letters/{id}/retry", "Send its command again, and wait for the result")
	retry.Description = "Whoever retries it, and however often: the command takes effect at most once. " +
		"The answer is 200 whatever the outcome; the dead letter has ended when it is accepted."
	register(api, retry, letterChanges, s.retryDeadLetter)
	register(api, op(http.MethodPost, "DiscardDeadLetter", "/dead-letters/{id}/discard", "Give its command up, on record"), letterChanges, s.discardDeadLetter)
	register(api, op(http.MethodGet, "ListParked", "/parked", "The invoices whose numbering could not go on"), letterOutcomes, s.listParked)
	register(api, op(http.MethodPost, "ReleaseParked", "/parked/{instance}/release", "Let one go on, and wait for what becomes of it"),
		slices.Concat(letterOutcomes, outcomes(codeCrossOrigin, codeNotParked, codeOrderPending)), s.releaseParked)
}

func (s *Server) installation() operations.Installation { return operations.New(s.kafka, s.aggregate) }

type listDeadLettersInput struct {
	All   bool `query:"all" doc:"Also those that were retried or discarded."`
	Limit int  `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"At most so many."`
}

type deadLetterListOutput struct{ Body operations.DeadLetterList }

// DeadLetterPath names the dead letter in the path.
type DeadLetterPath struct {
	ID string `path:"id" maxLength:"300" doc:"As the list has it, escaped: invoice-commands%2F3:42." example:"invoice-commands/3:42"`
}

type discardDeadLetterInput struct {
	DeadLetterPath
	Why string `query:"why" maxLength:"1000" doc:"Why, for the record."`
}

type (
	deadLetterOutput struct{ Body operations.DeadLetter }
	retryOutput      struct{ Body operations.Retry }
	parkedListOutput struct{ Body operations.ParkedList }
	releaseOutput    struct{ Body operations.Release }
)

type releaseInput struct {
	Instance string `path:"instance" maxLength:"300" doc:"As the list has it, escaped. One of dots is written with a ~ before it." example:"01998b5e-8d8c-7cc1-a2a1-0f2c6f4b7a10"`
	How      string `query:"how" enum:"retry,discard-first,discard-all" default:"retry" doc:"retry tells it all that waits, discard-first all but the message that it could not react to, discard-all nothing."`
}

// Resolve reads the id as it is written in a path; huma calls it.
func (in *releaseInput) Resolve(huma.Context) []error {
	in.Instance = idOf(in.Instance)
	return nil
}

func (s *Server) listDeadLetters(ctx context.Context, in *listDeadLettersInput) (*deadLetterListOutput, error) {
	list, err := orProblem(s, ctx, func(ctx context.Context) (operations.DeadLetterList, error) {
		return s.installation().DeadLetters(ctx, in.All, in.Limit)
	})
	return &deadLetterListOutput{list}, err
}

func (s *Server) getDeadLetter(ctx context.Context, in *DeadLetterPath) (*deadLetterOutput, error) {
	d, err := orProblem(s, ctx, func(ctx context.Context) (operations.DeadLetter, error) {
		return s.installation().DeadLetter(ctx, in.ID)
	})
	return &deadLetterOutput{d}, err
}

func (s *Server) retryDeadLetter(ctx context.Context, in *DeadLetterPath) (*retryOutput, error) {
	actor, problem := actorOf(ctx)
	if problem != nil {
		return nil, problem
	}
	r, err := orProblem(s, ctx, func(ctx context.Context) (operations.Retry, error) {
		return s.installation().Retry(ctx, in.ID, actor)
	})
	return &retryOutput{r}, err
}

func (s *Server) discardDeadLetter(ctx context.Context, in *discardDeadLetterInput) (*deadLetterOutput, error) {
	actor, problem := actorOf(ctx)
	if problem != nil {
		return nil, problem
	}
	d, err := orProblem(s, ctx, func(ctx context.Context) (operations.DeadLetter, error) {
		return s.installation().Discard(ctx, in.ID, actor, in.Why)
	})
	return &deadLetterOutput{d}, err
}

func (s *Server) listParked(ctx context.Context, _ *struct{}) (*parkedListOutput, error) {
	list, err := orProblem(s, ctx, s.installation().Parked)
	return &parkedListOutput{list}, err
}

func (s *Server) releaseParked(ctx context.Context, in *releaseInput) (*releaseOutput, error) {
	r, err := orProblem(s, ctx, func(ctx context.Context) (operations.Release, error) {
		return s.installation().Release(ctx, in.Instance, eventim.Release(in.How))
	})
	return &releaseOutput{r}, err
}

// orProblem does something that asks Kafka, and ends when the server does.
func orProblem[T any](s *Server, ctx context.Context, do func(context.Context) (T, error)) (T, error) { //nolint:revive // the server is what it is of
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	defer context.AfterFunc(s.drained, cancel)() //nolint:contextcheck // it is inherited
	found, err := do(ctx)
	if err != nil {
		return found, s.letterProblem(err)
	}
	return found, nil
}

// letterProblem tells an operator what an error means.
func (s *Server) letterProblem(err error) *Problem {
	for _, known := range []struct {
		err  error
		code string
	}{
		{eventim.ErrNoDeadLetter, codeLetterNotFound},
		{eventim.ErrDeadLetterEnded, codeDeadLetterEnded},
		{eventim.ErrDeadLetterGone, codeDeadLetterGone},
		{eventim.ErrTooLarge, codeCommandTooLarge},
		{eventim.ErrNotParked, codeNotParked},
		{eventim.ErrUnanswered, codeOrderPending},
		{eventim.ErrReleasing, codeOrderPending},
	} {
		if errors.Is(err, known.err) {
			return newProblem(known.code, "%s.", sentence(err))
		}
	}
	s.log.Warn("operation failed", "error", err)
	_, ofBroker := errors.AsType[sarama.KError](err)
	if ofBroker || errors.Is(err, sarama.ErrOutOfBrokers) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return newProblem(codeKafkaDown, "Kafka does not answer. Try again.")
	}
	return newProblem(codeInternal, "The server could not do it; its log says why.")
}

package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/projector"
)

// operationTimeout bounds what an operation may wait for: a swap tries again while
// somebody's long query holds the view.
const operationTimeout = 30 * time.Second

var operationOutcomes = slices.Concat(readOutcomes, outcomes(codeRebuildNotFound, codeCrossOrigin))

// registerOperations adds what an operator does: the views, and their rebuilds.
func (s *Server) registerOperations(api huma.API) {
	op := func(method, id, path, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: "/api/operations/views" + path, Summary: summary,
			Tags: []string{"operations"}, Responses: map[string]*huma.Response{},
		}
	}
	changes := slices.Concat(operationOutcomes, outcomes(codeRebuildState))
	swaps := slices.Concat(changes, outcomes(codeRebuildDiffers, codeRebuildBehind))
	register(api, op(http.MethodGet, "ListViews", "", "The views, and their rebuilds"), readOutcomes, s.listViews)
	register(api, op(http.MethodGet, "GetRebuild", "/{view}/rebuild", "The rebuild of a view that is under way, or was last"), operationOutcomes, s.getRebuild)
	register(api, op(http.MethodPost, "StartRebuild", "/{view}/rebuild", "Build a view anew beside its live rows"), changes, s.startRebuild)
	for _, c := range []struct {
		id, path, summary string
		do                func(projector.Rebuilds, context.Context, string) error
	}{
		{"PauseRebuild", "pause", "Have nobody work on a rebuild until it is resumed", projector.Rebuilds.Pause},
		{"ResumeRebuild", "resume", "Go on with a rebuild that was paused, or has failed", projector.Rebuilds.Resume},
		{"CancelRebuild", "cancel", "Drop what is built or, after the swap, the rows of before", projector.Rebuilds.Cancel},
		{"CompareRebuild", "compare", "Have a projector compare it with the live rows once more", projector.Rebuilds.CompareAgain},
	} {
		register(api, op(http.MethodPost, c.id, "/{view}/rebuild/"+c.path, c.summary), changes, s.changeRebuild(c.do))
	}
	register(api, op(http.MethodPost, "RollbackRebuild", "/{view}/rebuild/rollback", "Bring the rows of before the swap back"),
		slices.Concat(changes, outcomes(codeRebuildBehind)), s.changeRebuild(projector.Rebuilds.Rollback))
	register(api, op(http.MethodPost, "SwapRebuild", "/{view}/rebuild/swap", "Make what is built live"), swaps, s.swapRebuild)
}

// ViewList is all views.
type ViewList struct {
	Views []projector.ViewStatus `json:"views" nullable:"false"`
}

type viewListOutput struct{ Body ViewList }

// ViewPath names the view in the path.
type ViewPath struct {
	View string `path:"view" pattern:"^[a-z][a-z0-9_]{0,44}$" patternDescription:"a lower-case name" doc:"Name of the view." example:"invoice_list"`
}

type startRebuildInput struct {
	ViewPath
	Rate          int  `query:"rate" minimum:"0" maximum:"1000000" default:"0" doc:"Records a second at most while it is building; 0 for as many as there are."`
	SwapWhenEqual bool `query:"swapWhenEqual" doc:"It goes live by itself, if it is equal to the live rows when it is built."`
	GraceSeconds  int  `query:"graceSeconds" minimum:"1" maximum:"31536000" default:"86400" doc:"How long the rows of before are kept after the swap."`
}

type swapRebuildInput struct {
	ViewPath
	DespiteDifferences bool `query:"despiteDifferences" doc:"Swap although it differs from the live rows, or was not compared."`
}

type rebuildOutput struct{ Body projector.Rebuild }

func (s *Server) rebuilds() projector.Rebuilds { return projector.NewRebuilds(s.pool) }

func (s *Server) listViews(ctx context.Context, _ *struct{}) (*viewListOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	views, err := s.rebuilds().Views(ctx)
	if err != nil {
		return nil, s.operationProblem(err)
	}
	return &viewListOutput{ViewList{views}}, nil
}

func (s *Server) getRebuild(ctx context.Context, in *ViewPath) (*rebuildOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	found, err := s.rebuilds().Find(ctx, in.View)
	if err != nil {
		return nil, s.operationProblem(err)
	}
	return &rebuildOutput{found}, nil
}

func (s *Server) startRebuild(ctx context.Context, in *startRebuildInput) (*rebuildOutput, error) {
	return s.operate(ctx, &in.ViewPath, func(r projector.Rebuilds, ctx context.Context, view string) error { //nolint:revive // as a method has it
		_, err := r.Start(ctx, view, projector.RebuildOptions{
			Rate: in.Rate, SwapWhenEqual: in.SwapWhenEqual, Grace: time.Duration(in.GraceSeconds) * time.Second,
		})
		return err
	})
}

func (s *Server) swapRebuild(ctx context.Context, in *swapRebuildInput) (*rebuildOutput, error) {
	return s.operate(ctx, &in.ViewPath, func(r projector.Rebuilds, ctx context.Context, view string) error { //nolint:revive // as a method has it
		return r.Swap(ctx, view, in.DespiteDifferences)
	})
}

func (s *Server) changeRebuild(do func(projector.Rebuilds, context.Context, string) error) func(context.Context, *ViewPath) (*rebuildOutput, error) {
	return func(ctx context.Context, in *ViewPath) (*rebuildOutput, error) { return s.operate(ctx, in, do) }
}

// operate does one thing, and answers with what became of it.
func (s *Server) operate(ctx context.Context, in *ViewPath, do func(projector.Rebuilds, context.Context, string) error) (*rebuildOutput, error) {
	limited, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	if err := do(s.rebuilds(), limited, in.View); err != nil {
		return nil, s.operationProblem(err)
	}
	return s.getRebuild(ctx, in)
}

// operationProblem tells an operator what an error means.
func (s *Server) operationProblem(err error) *Problem {
	switch {
	case errors.Is(err, projector.ErrUnknownView):
		return viewMissing("of that name")
	case errors.Is(err, projector.ErrNoRebuild):
		return newProblem(codeRebuildNotFound, "The view is not being rebuilt.")
	case errors.Is(err, projector.ErrRebuildState):
		return newProblem(codeRebuildState, "%s.", sentence(err))
	case errors.Is(err, projector.ErrDiffers):
		return newProblem(codeRebuildDiffers, "%s.", sentence(err))
	case errors.Is(err, projector.ErrBehind):
		return newProblem(codeRebuildBehind, "%s.", sentence(err))
	default:
		return s.readProblem(err)
	}
}

package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/web/access"
)

// Me is who asks.
type Me struct {
	Login bool   `json:"login" doc:"People can log in here, at /login. Where they cannot, everybody may do everything."`
	Known bool   `json:"known" doc:"Whether the sender is logged in."`
	Name  string `json:"name,omitempty" doc:"What the history calls the sender."`
	Role  string `json:"role" enum:"nobody,viewer,clerk,bookkeeper,admin" doc:"What the sender may do; each role may do what those before it may."`
}

// SessionRow is where somebody is logged in.
type SessionRow struct {
	ID      string    `json:"id"`
	Current bool      `json:"current" doc:"The one that asks."`
	Since   time.Time `json:"since"`
	Seen    time.Time `json:"seen" doc:"When it was used last, within a minute."`
	Agent   string    `json:"agent" doc:"The browser, as it calls itself."`
	Address string    `json:"address" doc:"From where it began."`
}

type meOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         Me
}

type sessionsOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         struct {
		Sessions []SessionRow `json:"sessions" nullable:"false"`
	}
}

type sessionInput struct {
	ID string `path:"id" minLength:"1" maxLength:"100" doc:"As the list of sessions has it."`
}

func (s *Server) registerSessions(api huma.API) {
	operation := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{"sessions"}, Responses: map[string]*huma.Response{},
		}
	}
	register(api, operation("GetMe", http.MethodGet, "/api/me", "Who the sender is"), anyOutcome, s.getMe)
	register(api, operation("ListSessions", http.MethodGet, "/api/sessions", "Where the sender is logged in"), anyOutcome, s.listSessions)
	change := append(outcomes(codeCrossOrigin), anyOutcome...)
	register(api, operation("EndSession", http.MethodDelete, "/api/sessions/{id}", "Log out somewhere"),
		append(outcomes(codeSessionNotFound), change...), s.deleteSession)
	register(api, operation("EndSessions", http.MethodDelete, "/api/sessions", "Log out everywhere"), change, s.deleteSessions)
}

func (s *Server) getMe(ctx context.Context, _ *struct{}) (*meOutput, error) {
	p := everybody
	if s.gate != nil {
		p = principalOf(ctx)
	}
	return &meOutput{noStore, Me{Login: s.gate != nil, Known: p.Known(), Name: p.Name, Role: p.Role.String()}}, nil
}

func (s *Server) listSessions(ctx context.Context, _ *struct{}) (*sessionsOutput, error) {
	out := &sessionsOutput{CacheControl: noStore}
	out.Body.Sessions = []SessionRow{}
	if s.gate == nil {
		return out, nil
	}
	p := principalOf(ctx)
	sessions, err := s.gate.Sessions(ctx, p)
	if err != nil {
		return nil, s.sessionsDown(err)
	}
	for _, each := range sessions {
		out.Body.Sessions = append(out.Body.Sessions, rowOf(each, p))
	}
	return out, nil
}

func rowOf(each access.Session, p access.Principal) SessionRow {
	return SessionRow{
		ID: each.ID, Current: each.ID == p.Session, Since: each.Since, Seen: each.Seen, Agent: each.Agent, Address: each.Address,
	}
}

func (s *Server) deleteSession(ctx context.Context, in *sessionInput) (*struct{}, error) {
	ended := false
	if s.gate != nil {
		var err error
		if ended, err = s.gate.End(ctx, principalOf(ctx), in.ID); err != nil {
			return nil, s.sessionsDown(err)
		}
	}
	if !ended {
		return nil, newProblem(codeSessionNotFound, "You are not logged in there.")
	}
	return nil, nil
}

func (s *Server) deleteSessions(ctx context.Context, _ *struct{}) (*struct{}, error) {
	if s.gate == nil {
		return nil, nil
	}
	if err := s.gate.EndAll(ctx, principalOf(ctx)); err != nil {
		return nil, s.sessionsDown(err)
	}
	return nil, nil
}

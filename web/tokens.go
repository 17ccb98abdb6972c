package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/web/access"
)

// TokenRow is a token, without what the program sends.
type TokenRow struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Role    string     `json:"role" enum:"viewer,clerk,bookkeeper,admin"`
	Owner   string     `json:"owner" doc:"Who made it."`
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Used    *time.Time `json:"used,omitempty" doc:"When it was used last, within a minute."`
}

type tokensOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         struct {
		Tokens []TokenRow `json:"tokens" nullable:"false"`
	}
}

// TokenRequest is what a new token is to be.
type TokenRequest struct {
	Name string `json:"name" minLength:"1" maxLength:"60" pattern:"^[!-~]{1,60}$" patternDescription:"1 to 60 printable characters of ASCII, none of them a space" doc:"What the history calls the program, beside who made the token."`
	Role string `json:"role" enum:"viewer,clerk,bookkeeper,admin" doc:"What it may do: no more than who makes it."`
	Days int    `json:"days" minimum:"1" maximum:"366" doc:"After how many days it ends."`
}

type newTokenInput struct{ Body TokenRequest }

type newTokenOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         struct {
		Token string   `json:"token" doc:"What the program sends: Authorization: Bearer, and this. It is told once."`
		About TokenRow `json:"about"`
	}
}

func (s *Server) registerTokens(api huma.API) {
	operation := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{"tokens"}, Responses: map[string]*huma.Response{},
		}
	}
	change := append(outcomes(codeCrossOrigin), anyOutcome...)
	register(api, operation("ListTokens", http.MethodGet, "/api/tokens", "The tokens that the sender made; an admin sees all"), anyOutcome, s.listTokens)
	create := operation("CreateToken", http.MethodPost, "/api/tokens", "Make a token for a program")
	create.DefaultStatus = http.StatusCreated
	register(api, create, append(outcomes(codeTokenRefused, codeRequestTimeout, codeRequestTooLarge, codeMediaType), change...), s.createToken)
	register(api, operation("RevokeToken", http.MethodDelete, "/api/tokens/{id}", "End a token"), append(outcomes(codeTokenNotFound), change...), s.revokeToken)
}

func (s *Server) listTokens(ctx context.Context, _ *struct{}) (*tokensOutput, error) {
	out := &tokensOutput{CacheControl: noStore}
	out.Body.Tokens = []TokenRow{}
	if s.gate == nil {
		return out, nil
	}
	tokens, err := s.gate.Tokens(ctx, principalOf(ctx))
	if err != nil {
		return nil, s.sessionsDown(err)
	}
	for _, t := range tokens {
		out.Body.Tokens = append(out.Body.Tokens, tokenRow(t))
	}
	return out, nil
}

func tokenRow(t access.Token) TokenRow {
	return TokenRow{ID: t.ID, Name: t.Name, Role: t.Role.String(), Owner: t.Owner, Created: t.Created, Expires: t.Expires, Used: t.Used}
}

func (s *Server) createToken(ctx context.Context, in *newTokenInput) (*newTokenOutput, error) {
	if s.gate == nil {
		return nil, newProblem(codeTokenRefused, "Nobody has to log in here, so that no program needs a token.")
	}
	role, err := access.ParseRole(in.Body.Role)
	if err != nil {
		return nil, newProblem(codeTokenRefused, "%s.", sentence(err))
	}
	t, secret, err := s.gate.NewToken(ctx, principalOf(ctx), in.Body.Name, role, time.Duration(in.Body.Days)*24*time.Hour)
	if refused, ok := errors.AsType[*access.TokenError](err); ok {
		return nil, newProblem(codeTokenRefused, "A token %s.", refused.Reason)
	}
	if err != nil {
		return nil, s.sessionsDown(err)
	}
	out := &newTokenOutput{CacheControl: noStore}
	out.Body.Token, out.Body.About = secret, tokenRow(t)
	return out, nil
}

type tokenInput struct {
	ID string `path:"id" minLength:"1" maxLength:"100" doc:"As the list of tokens has it."`
}

func (s *Server) revokeToken(ctx context.Context, in *tokenInput) (*struct{}, error) {
	revoked := false
	if s.gate != nil {
		var err error
		if revoked, err = s.gate.RevokeToken(ctx, principalOf(ctx), in.ID); err != nil {
			return nil, s.sessionsDown(err)
		}
	}
	if !revoked {
		return nil, newProblem(codeTokenNotFound, "You have no such token.")
	}
	return nil, nil
}

package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/eventim-go/eventim/web/access"
)

// everybody is who asks where nobody has to log in.
var everybody = access.Principal{Role: access.Admin}

// admitted lets those pass whose role is that which the table gives to the route
// of the request. What the table does not have, nobody may.
func (s *Server) admitted(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		needed, listed := access.ForRoute(pattern)
		if listed && needed == access.Open {
			next.ServeHTTP(w, r)
			return
		}
		p, err := s.gate.Identify(r) //nolint:contextcheck // it is that of the request
		switch {
		case errors.Is(err, access.ErrToken) && !s.strangers.allow(addressOf(r)), err == nil && !s.mayAskMore(p, r):
			tooMany().write(w)
		case err != nil:
			s.sessionsDown(err).write(w)
		case listed && p.May(needed):
			id := identity{principal: p, actor: p.Name}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, id)))
		case !p.Known() && opensPage(r, pattern):
			http.Redirect(w, r, "/login?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			notAllowed(p, needed).write(w)
		}
	})
}

// mayAskMore counts a request of somebody; who is not known is their address.
func (s *Server) mayAskMore(p access.Principal, r *http.Request) bool {
	if p.Known() {
		return s.people.allow(p.Person)
	}
	return s.people.allow("address " + addressOf(r))
}

// opensPage tells a person who opens an address from a program.
func opensPage(r *http.Request, pattern string) bool {
	page := pattern == anyPage || pattern == accountPage
	return page && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// notAllowed is for who may not.
func notAllowed(p access.Principal, needed access.Role) *Problem {
	if !p.Known() {
		return newProblem(codeLoginRequired, "Log in at /login, or send what you are known by.")
	}
	if needed <= access.Nobody {
		return newProblem(codeForbidden, "Nobody may do this.")
	}
	return newProblem(codeForbidden, "This needs the role %s, and you, %s, have the role %s.", needed, p.Name, p.Role)
}

// mayCommand is asked about each command, by whatever way it comes.
func (s *Server) mayCommand(p access.Principal, name string) *Problem {
	if s.gate == nil {
		return nil
	}
	needed, known := access.ForCommand(name)
	if known && !p.May(needed) {
		return notAllowed(p, needed)
	}
	return nil // one that there is not gets the answer that says so
}

func (s *Server) sessionsDown(err error) *Problem {
	if errors.Is(err, access.ErrToken) {
		return newProblem(codeTokenUnknown, "The token is not known, has expired, or was revoked.")
	}
	if !errors.Is(err, context.Canceled) {
		s.log.Warn("cannot find out who asks", "error", err)
	}
	return newProblem(codeSessionsDown, "It cannot be found out at the moment whether you are logged in. Try again.")
}

// principalOf is who sends the request of ctx.
func principalOf(ctx context.Context) access.Principal {
	id, _ := ctx.Value(identityKey{}).(identity)
	return id.principal
}

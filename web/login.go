package web

import (
	"errors"
	"net/http"

	"github.com/eventim-go/eventim/web/access"
)

const (
	loginPage   = "GET /login"
	accountPage = "GET /account"
)

// registerLogin adds the way in and out. Without a gate there is none.
func (s *Server) registerLogin(mux *routing) {
	for pattern, handle := range map[string]http.HandlerFunc{
		loginPage: s.logIn, "GET " + access.CallbackPath: s.loggedIn, accountPage: s.account,
		"POST /account/log-out": s.logOut, "POST /account/log-out-everywhere": s.logOutEverywhere,
		"POST /account/sessions/{id}/end": s.endSession, "POST /account/tokens": s.makeToken, "POST /account/tokens/{id}/revoke": s.endToken,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if s.gate == nil {
				newProblem(codeNotFound, "Nobody has to log in here, and nobody can.").write(w)
				return
			}
			handle(w, r)
		})
	}
	mux.Handle("GET /account/style.css", accountStyle())
}

// logIn sends who came for a page to the provider, and shows everybody else a
// page that does: who has just logged out would be in again at once.
func (s *Server) logIn(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	if to == "" {
		s.show(w, http.StatusOK, view{Title: "Log in", Login: true})
		return
	}
	if !s.strangers.allow(addressOf(r)) {
		tooMany().write(w)
		return
	}
	address, err := s.gate.Begin(w, r, to)
	if err != nil {
		s.loginFailed(w, err)
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // the provider is the configured one
}

// loggedIn takes who comes back from the provider.
func (s *Server) loggedIn(w http.ResponseWriter, r *http.Request) {
	p, to, err := s.gate.Finish(w, r) //nolint:contextcheck // it is that of the request
	if err != nil {
		s.loginFailed(w, err)
		return
	}
	s.log.Info("logged in", "person", p.Person, "name", p.Name, "role", p.Role.String())
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (s *Server) loginFailed(w http.ResponseWriter, err error) {
	s.log.Warn("login failed", "error", err)
	if refusal, ok := errors.AsType[*access.Refusal](err); ok {
		s.show(w, http.StatusForbidden, view{Title: "Not logged in", Text: refusal.Text, Code: refusal.Code, Login: true})
		return
	}
	s.show(w, http.StatusServiceUnavailable, view{
		Title: "Not logged in", Text: "Nobody can log in at the moment. Try again.", Code: codeSessionsDown, Login: true,
	})
}

// logOut works for everybody: who is not logged in is so afterwards.
func (s *Server) logOut(w http.ResponseWriter, r *http.Request) {
	err := s.gate.LogOut(w, r) //nolint:contextcheck // it is that of the request
	if err != nil {
		s.sessionsDown(err).write(w)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (s *Server) logOutEverywhere(w http.ResponseWriter, r *http.Request) {
	if err := s.gate.EndAll(r.Context(), principalOf(r.Context())); err != nil {
		s.sessionsDown(err).write(w)
		return
	}
	s.logOut(w, r)
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	if _, err := s.gate.End(r.Context(), principalOf(r.Context()), r.PathValue("id")); err != nil {
		s.sessionsDown(err).write(w)
		return
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther) // which leads to the login when it was this one
}

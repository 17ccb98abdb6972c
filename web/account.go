package web

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/eventim-go/eventim/web/access"
)

//go:embed account.html
var accountHTML string

//go:embed account.css
var accountCSS []byte

// These pages need no script, so that they work when the page does not.
var accountTemplate = template.Must(template.New("account").Parse(accountHTML))

var accountStyle = sync.OnceValue(func() asset { return newAsset("style.css", accountCSS, revalidated) })

// view is what one of these pages shows.
type view struct {
	Title    string
	Text     string
	Code     string
	Login    bool // offer to log in
	Person   access.Principal
	Sessions []access.Session
	Tokens   []access.Token
	Secret   string // of the token that was just made
}

// maxForm is how long a form of these pages may be, in bytes.
const maxForm = 4 << 10

// account shows who is logged in, and where.
func (s *Server) account(w http.ResponseWriter, r *http.Request) {
	s.showAccount(w, r, view{})
}

// showAccount adds to v what is so now.
func (s *Server) showAccount(w http.ResponseWriter, r *http.Request, v view) {
	p := principalOf(r.Context())
	sessions, err := s.gate.Sessions(r.Context(), p)
	if err == nil {
		v.Tokens, err = s.gate.Tokens(r.Context(), p)
	}
	if err != nil {
		s.sessionsDown(err).write(w)
		return
	}
	v.Title, v.Login, v.Person, v.Sessions = "Your account", !p.Known(), p, sessions
	s.show(w, http.StatusOK, v)
}

// makeToken shows what a program is to send, this once.
func (s *Server) makeToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	role, _ := access.ParseRole(r.PostFormValue("role")) // nobody is refused
	days, _ := strconv.Atoi(r.PostFormValue("days"))     // none too
	_, secret, err := s.gate.NewToken(r.Context(), principalOf(r.Context()), r.PostFormValue("name"), role, time.Duration(min(days, 1000))*24*time.Hour)
	if refused, ok := errors.AsType[*access.TokenError](err); ok {
		s.showAccount(w, r, view{Text: "A token " + refused.Reason + ".", Code: codeTokenRefused})
		return
	}
	if err != nil {
		s.sessionsDown(err).write(w)
		return
	}
	s.showAccount(w, r, view{Secret: secret})
}

func (s *Server) endToken(w http.ResponseWriter, r *http.Request) {
	if _, err := s.gate.RevokeToken(r.Context(), principalOf(r.Context()), r.PathValue("id")); err != nil {
		s.sessionsDown(err).write(w)
		return
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

func (s *Server) show(w http.ResponseWriter, status int, v view) {
	var page bytes.Buffer
	if err := accountTemplate.Execute(&page, v); err != nil {
		s.log.Error("cannot write a page", "error", err)
		newProblem(codeInternal, "The server could not answer; its log says why.").write(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the client has gone
}

package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/web/access"
)

// limited is a server whose clock stands still, so that no bucket fills.
type limited struct {
	*Server
	t *testing.T
}

func newLimited(t *testing.T) (limited, access.Tokens) {
	t.Helper()
	pool := pgtest.New(t)
	must(t, migrations.Up(t.Context(), pool))
	quiet := slog.New(slog.DiscardHandler)
	gate, err := access.New(access.Config{Issuer: "http://127.0.0.1:1", ClientID: "x", Pool: pool, Logger: quiet})
	must(t, err)
	s, err := New(Config{Aggregate: invoices.Aggregate, Pool: pool, Logger: quiet, Gate: gate, RateLimit: 1})
	must(t, err)
	t.Cleanup(s.drain)
	began := time.Now()
	s.now = func() time.Time { return began }
	return limited{s, t}, access.NewTokens(pool)
}

// until429 asks until the answer is 429, and returns how many others there were.
func (l limited) until429(path, authorization string) int {
	l.t.Helper()
	for n := range 1000 {
		r := httptest.NewRequestWithContext(l.t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		if l.Handler().ServeHTTP(w, r); w.Code == http.StatusTooManyRequests {
			if w.Header().Get("Retry-After") == "" {
				l.t.Errorf("%s does not say when to come again", path)
			}
			return n
		}
	}
	return -1
}

func TestProgramsAreLimitedEachAlone(t *testing.T) {
	t.Parallel()
	l, tokens := newLimited(t)
	for _, name := range []string{"a", "b"} {
		token, secret, err := tokens.Create(t.Context(), "somebody", "somebody", name, access.Clerk, time.Hour)
		must(t, err)
		if n := l.until429("/api/me", "Bearer "+secret); n != 4 {
			t.Errorf("%s: %d were answered, want 4", name, n)
		}
		// What comes over a websocket counts, too.
		r := commandRequest{id: "cmd-1", invoice: "inv-1", name: "SendInvoice", principal: access.Principal{Person: "token " + token.ID, Role: access.Clerk}}
		if _, problem := l.submitLive(t.Context(), r); problem == nil || problem.Code != codeTooManyRequests {
			t.Errorf("%s over the websocket: got %v", name, problem)
		}
	}
}

func TestGuessingIsSlow(t *testing.T) {
	t.Parallel()
	l, _ := newLimited(t)
	if n := l.until429("/api/me", "Bearer evt_guess"); n != loginBurst {
		t.Errorf("%d guesses at a token, want %d", n, loginBurst)
	}
	l, _ = newLimited(t)
	if n := l.until429("/login?to=/", ""); n != loginBurst {
		t.Errorf("%d begins of a login, want %d", n, loginBurst)
	}
}

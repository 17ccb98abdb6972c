package devlogin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const verifier = "a-verifier-that-is-long-enough-for-everybody"

// The S256 challenge of verifier.
const challenge = "GCJXSWM30D9u5cnEnk90xedtMZGtBJniULalHFqk3to"

func request(change ...string) url.Values {
	q := url.Values{
		"client_id": {ClientID}, "response_type": {"code"}, "redirect_uri": {"http://localhost:8080/login/callback"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return q
}

func newProvider(t *testing.T) *Provider {
	t.Helper()
	p, err := New("http://127.0.0.1:18080")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Provider) ask(t *testing.T, method, target string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	return w
}

func TestLeadsToLoopbackOnly(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, q := range map[string]url.Values{
		"another site":  request("redirect_uri", "http://evil.example/"),
		"a like name":   request("redirect_uri", "http://localhost.evil.example/"),
		"a like number": request("redirect_uri", "http://127.0.0.1.evil.example/"),
		"no address":    request("redirect_uri", ""),
		"other client":  request("client_id", "x"),
		"no PKCE":       request("code_challenge", ""),
		"plain PKCE":    request("code_challenge_method", "plain"),
	} {
		for _, path := range []string{"/authorize?", "/pick/ada?"} {
			if got := p.ask(t, http.MethodGet, path+q.Encode(), nil); got.Code != http.StatusBadRequest {
				t.Errorf("%s at %s: got %d", name, path, got.Code)
			}
		}
	}
	page := p.ask(t, http.MethodGet, "/authorize?"+request("state", `"><script>`).Encode(), nil)
	if page.Code != 200 || strings.Contains(page.Body.String(), "<script>") || strings.Count(page.Body.String(), `href="/pick/`) != len(people) {
		t.Errorf("got %d: %s", page.Code, page.Body)
	}
}

func TestCodeIsForItsClientOnce(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	code := func() string {
		to, err := url.Parse(p.ask(t, http.MethodGet, "/pick/ada?"+request().Encode(), nil).Header().Get("Location"))
		if err != nil || to.Query().Get("state") != "s" {
			t.Fatalf("got %v, %v", to, err)
		}
		return to.Query().Get("code")
	}
	redeem := func(code, verifier, redirect string) int {
		form := url.Values{"code": {code}, "code_verifier": {verifier}, "redirect_uri": {redirect}}
		return p.ask(t, http.MethodPost, "/token", form).Code
	}
	const redirect = "http://localhost:8080/login/callback"
	good := code()
	for i, want := range []int{http.StatusOK, http.StatusBadRequest} {
		if got := redeem(good, verifier, redirect); got != want {
			t.Errorf("time %d: got %d, want %d", i+1, got, want)
		}
	}
	if redeem(code(), "another", redirect) != 400 || redeem(code(), verifier, redirect+"x") != 400 || redeem("x", verifier, redirect) != 400 {
		t.Error("a code was given to somebody else")
	}
	late := code()
	p.now = func() time.Time { return time.Now().Add(2 * codeLifetime) }
	if redeem(late, verifier, redirect) != 400 {
		t.Error("a code was taken that is too old")
	}
}

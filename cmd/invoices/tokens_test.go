package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/web/access"
)

func TestTokensOnTheCommandLine(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	invoices := func(args ...string) (int, string, string) { return run(t, nil, append(args, "--postgres", url)...) }
	if code, _, stderr := invoices("migrate"); code != 0 {
		t.Fatal(stderr)
	}
	code, secret, stderr := invoices("tokens", "create", "nightly", "--role", "bookkeeper")
	if code != 0 || !strings.HasPrefix(secret, "evt_") || strings.Contains(stderr, strings.TrimSpace(secret)) {
		t.Fatalf("got %d, %q, %q", code, secret, stderr)
	}
	if p, err := identify(t, url, strings.TrimSpace(secret)); err != nil || p.Role != access.Bookkeeper || p.Name != "nightly (token of command line)" {
		t.Errorf("got %+v, %v", p, err)
	}
	_, list, _ := invoices("tokens", "list")
	if !strings.Contains(list, "nightly") || !strings.Contains(list, "bookkeeper") || strings.Contains(list, strings.TrimSpace(secret)) {
		t.Errorf("got %s", list)
	}
	id, _, _ := strings.Cut(strings.Split(list, "\n")[1], " ")
	for _, want := range []int{0, 1} { // a second time there is none
		if code, _, stderr := invoices("tokens", "revoke", id); code != want {
			t.Errorf("got %d, want %d: %s", code, want, stderr)
		}
	}
	if _, err := identify(t, url, strings.TrimSpace(secret)); err == nil {
		t.Error("a revoked token still counts")
	}
	for _, args := range [][]string{{"--role", "boss"}, {"--role", "nobody"}, {"--role", "viewer", "--days", "400"}} {
		if code, _, _ := invoices(append([]string{"tokens", "create", "x"}, args...)...); code == 0 {
			t.Errorf("%q is taken", args)
		}
	}
}

func identify(t *testing.T, url, secret string) (access.Principal, error) {
	t.Helper()
	pool, err := (postgresFlags{Postgres: url, PostgresConnections: 2}).open(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	gate, err := access.New(access.Config{Issuer: "https://login.example", ClientID: "x", Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+secret)
	return gate.Identify(r)
}

package web_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestMethodsOfEachPath(t *testing.T) {
	t.Parallel()
	h := offline(t)
	const get = "GET, HEAD, OPTIONS"
	for path, allow := range map[string]string{
		"/api/invoices": get, "/api/invoices/inv-1": get, "/api/invoices/inv-1/history": get, "/api/commands/cmd-1": get, "/api/live": get,
		"/healthz": get, "/readyz": get, "/openapi.json": get, "/": get, "/invoices/inv-1": get,
		"/api/invoices/inv-1/commands/SendInvoice": "GET, HEAD, POST, OPTIONS", // a command id may have that name too
		"/api/nothing": "", "/api/": "", "/api/invoices/inv-1/history/x": "",
	} {
		for _, method := range []string{"OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "GET", "POST"} {
			if strings.Contains(allow, method) && method != "OPTIONS" {
				continue
			}
			got := ask(t, h, method, "http://localhost"+path)
			want := http.StatusMethodNotAllowed
			switch {
			case allow == "":
				want = http.StatusNotFound
			case method == "OPTIONS":
				want = http.StatusNoContent
			}
			if got.Code != want || got.Header().Get("Allow") != allow {
				t.Errorf("%s %s: got %d, Allow %q; want %d, %q", method, path, got.Code, got.Header().Get("Allow"), want, allow)
			}
			if got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: Cache-Control is %q", method, path, got.Header().Get("Cache-Control"))
			}
			if want != http.StatusNoContent && got.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: got %s", method, path, got.Header().Get("Content-Type"))
			}
		}
	}
}

package devlogin

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
)

const style = `
:root { font: 16px/1.5 system-ui, sans-serif; color: light-dark(#1c2024, #edeef0); background: light-dark(#fff8e6, #201a09); }
main { max-width: 32rem; margin: 3rem auto; padding: 0 1rem; }
a { display: block; padding: .75rem 1rem; margin: .5rem 0; border: 1px solid currentColor; border-radius: 8px; color: inherit; text-decoration: none; }
a:hover, a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
`

var styleHash = func() string {
	digest := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(digest[:])
}()

var page = template.Must(template.New("pick").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Development login</title><style>{{.Style}}</style></head>
<body><main>
<h1>Development login</h1>
<p>These people exist on this machine only, and need no password. On real servers people log in with your own provider.</p>
{{range .People}}<a href="/pick/{{.Subject}}?{{$.Query}}"><strong>{{.Name}}</strong>, {{.Role}}: {{.Text}}</a>
{{end}}</main></body></html>
`))

// authorize shows whom one can be.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if err := checkRequest(r.URL.Query()); err != nil {
		http.Error(w, "This is no request of a login: "+err.Error()+".", http.StatusBadRequest)
		return
	}
	var out bytes.Buffer
	err := page.Execute(&out, map[string]any{
		"Style": template.CSS(style), "People": people, "Query": template.URL(r.URL.Query().Encode()), //nolint:gosec // the style is ours, the query is encoded anew
	})
	if err != nil {
		http.Error(w, "The page cannot be written.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = out.WriteTo(w) // the client has gone
}

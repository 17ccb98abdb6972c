package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/web/access"
)

// ActorHeader is a Config.Actor that takes the name from a header which a proxy
// sets. The name is UTF-8, else ISO 8859-1, or an extended value of RFC 8187
// (UTF-8”M%C3%BCller).
func ActorHeader(name string) func(*http.Request) (string, error) {
	return func(r *http.Request) (string, error) {
		switch lines := r.Header.Values(name); len(lines) {
		case 0:
			return "", nil
		case 1:
			return decodeText(strings.TrimSpace(lines[0]))
		default:
			return "", fmt.Errorf("the header %s came %d times", name, len(lines))
		}
	}
}

// decodeText reads text in a header, of which HTTP says only that it is bytes.
func decodeText(s string) (string, error) {
	if parts := strings.SplitN(s, "'", 3); len(parts) == 3 && strings.EqualFold(parts[0], "utf-8") {
		return url.PathUnescape(parts[2])
	}
	if utf8.ValidString(s) {
		return s, nil
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i]) // the first 256 code points are ISO 8859-1
	}
	return string(runes), nil
}

// identity is who sends a request, or why that cannot be said.
type identity struct {
	principal access.Principal // everybody, where nobody has to log in
	actor     string
	err       error
}

type identityKey struct{}

// identified hands the finding of Config.Gate or of Config.Actor to the operations.
func (s *Server) identified(mux *http.ServeMux) http.Handler {
	if s.gate != nil {
		return s.admitted(mux, mux)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := s.actor(r)
		if err == nil && !eventim.ValidActor(actor) {
			err = fmt.Errorf("the name has more than %d bytes, or characters that cannot be seen", eventim.MaxActor)
		}
		mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, identity{everybody, actor, err})))
	})
}

// actorOf is who sends the request of ctx. The problem is that of a command:
// reading does not need a name.
func actorOf(ctx context.Context) (string, *Problem) {
	id, _ := ctx.Value(identityKey{}).(identity)
	if id.err != nil {
		return "", newProblem(codeRequestInvalid, "It cannot be said who sends this: %s.", id.err)
	}
	return id.actor, nil
}

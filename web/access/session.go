package access

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"
)

// touchInterval is how much a session may have been used without that being
// written down.
const touchInterval = time.Minute

// Session is where somebody is logged in.
type Session struct {
	ID      string // what it is called where it is listed; it gives no access
	Person  string
	Name    string
	Role    Role
	Since   time.Time
	Seen    time.Time // when it was used last, within a minute
	Agent   string    // the browser, as it calls itself
	Address string    // from where it began
}

const maxAgent = 200 // bytes; it is shown to one person only

func (s Session) principal() Principal {
	return Principal{Person: s.Person, Name: s.Name, Role: s.Role, Session: s.ID}
}

// begin makes a session for a person, instead of the one that r came with. It
// has a new token: who knew the one before knows nothing of this one.
func (g *Gate) begin(w http.ResponseWriter, r *http.Request, p Principal) (Session, error) {
	ctx, err := load(r.Context(), r, g.sessions)
	if err != nil {
		return Session{}, err
	}
	if err := g.sessions.RenewToken(ctx); err != nil {
		return Session{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	now := g.now().UTC().Truncate(time.Second)
	s := Session{
		ID: uuid.NewString(), Person: p.Person, Name: p.Name, Role: p.Role, Since: now, Seen: now,
		Agent: agentOf(r), Address: addressOf(r),
	}
	for key, value := range s.values() {
		g.sessions.Put(ctx, key, value)
	}
	defer g.sessionEnded() // that of whoever used this browser before
	return s, commit(ctx, w, g.sessions)
}

func (s Session) values() map[string]string {
	return map[string]string{
		"id": s.ID, "person": s.Person, "name": s.Name, "role": s.Role.String(), "agent": s.Agent, "address": s.Address,
		"since": s.Since.Format(time.RFC3339), "seen": s.Seen.Format(time.RFC3339),
	}
}

// sessionOf reads what begin has put; there is none while somebody is on the
// way to log in.
func sessionOf(ctx context.Context, m *scs.SessionManager) (Session, bool) {
	return sessionFrom(func(key string) string { return m.GetString(ctx, key) })
}

func sessionFrom(get func(key string) string) (s Session, known bool) {
	role, err := ParseRole(get("role"))
	if err != nil {
		return s, false
	}
	s = Session{ID: get("id"), Person: get("person"), Name: get("name"), Role: role, Agent: get("agent"), Address: get("address")}
	s.Since, _ = time.Parse(time.RFC3339, get("since")) // begin and touch have written them
	s.Seen, _ = time.Parse(time.RFC3339, get("seen"))
	return s, s.ID != "" && s.Person != ""
}

// agentOf is the name of the browser, without what cannot be seen.
func agentOf(r *http.Request) string {
	agent := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, r.UserAgent())
	return agent[:min(len(agent), maxAgent)]
}

func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// Sessions lists where p is logged in, the one used last first.
func (g *Gate) Sessions(ctx context.Context, p Principal) ([]Session, error) {
	if !p.Known() {
		return nil, nil
	}
	rows, err := g.store.list(ctx, p.Person)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var all []Session
	for _, data := range rows {
		_, values, err := jsonCodec{}.Decode(data)
		if err != nil {
			return nil, err
		}
		if s, known := sessionFrom(func(key string) string { text, _ := values[key].(string); return text }); known {
			all = append(all, s)
		}
	}
	return all, nil
}

// End logs p out where id says. It returns false when p has no such session.
func (g *Gate) End(ctx context.Context, p Principal, id string) (bool, error) {
	if !p.Known() || id == "" {
		return false, nil
	}
	n, err := g.store.end(ctx, p.Person, id)
	g.sessionEnded()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return n > 0, nil
}

// EndAll logs p out everywhere.
func (g *Gate) EndAll(ctx context.Context, p Principal) error {
	if !p.Known() {
		return nil
	}
	_, err := g.store.end(ctx, p.Person, "")
	g.sessionEnded()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// LogOut ends the session that r comes with, if there is one.
func (g *Gate) LogOut(w http.ResponseWriter, r *http.Request) error {
	ctx, err := load(r.Context(), r, g.sessions)
	if err != nil {
		return err
	}
	defer g.sessionEnded()
	return destroy(ctx, w, g.sessions)
}

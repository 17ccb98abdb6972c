package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/eventim"
)

// serveLive upgrades GET /api/live.
func (s *Server) serveLive(w http.ResponseWriter, r *http.Request) {
	l := s.live.Load()
	// After loading: either finish sees the same l and closes its hub, or it
	// has begun before l was stored, and this sees that.
	if s.drained.Err() != nil {
		newProblem(codeShuttingDown, "Connect again.").write(w)
		return
	}
	actor, problem := actorOf(r.Context())
	if problem == nil {
		problem = s.refuseSocket(l, r)
	}
	if problem != nil {
		problem.write(w)
		return
	}
	k := &socket{
		queue: newQueue(s.queueSize), live: l, log: s.log, actor: actor, principal: principalOf(r.Context()),
		submit: s.submitLive, opening: make(chan opening, maxOpening),
	}
	if !l.hub.admit(k.queue) {
		newProblem(codeShuttingDown, "Connect again.").write(w)
		return
	}
	defer l.hub.dismiss(k.queue)
	if s.gate != nil {
		defer s.gate.Attend(k.principal, func() { k.queue.close(websocket.ClosePolicyViolation, "logged out") })()
	}
	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	k.conn = conn
	k.run()
}

// submitLive is how commands come over a websocket, which is a use of the
// session that no request tells of.
func (s *Server) submitLive(ctx context.Context, r commandRequest) (eventim.Position, *Problem) {
	if s.gate != nil {
		if r.principal.Known() && !s.people.allow(r.principal.Person) {
			return eventim.Position{}, tooMany().about(r.id)
		}
		s.gate.Touch(ctx, r.principal)
	}
	return s.submit(ctx, r)
}

func (s *Server) refuseSocket(l *live, r *http.Request) *Problem {
	switch {
	case !websocket.IsWebSocketUpgrade(r):
		return newProblem(codeRequestInvalid, "This address speaks websocket only.")
	case !s.allowedOrigin(r):
		return newProblem(codeCrossOrigin, "Pages of %s may not connect here.", r.Header.Get("Origin"))
	case !slices.Contains(websocket.Subprotocols(r), subprotocol):
		return newProblem(codeSubprotocol, "Ask for the websocket subprotocol %s.", subprotocol)
	case l == nil:
		return newProblem(codeKafkaDown, "This server is not connected to Kafka yet. Connect again in a moment.")
	case l.hub.size() >= s.maxSockets:
		return newProblem(codeTooManySockets, "Connect again later.")
	}
	return nil
}

// refuseHandshake answers what is no handshake of RFC 6455.
func refuseHandshake(w http.ResponseWriter, _ *http.Request, _ int, reason error) {
	w.Header().Set("Sec-WebSocket-Version", "13")
	newProblem(codeHandshake, "%s.", sentence(errors.New(strings.TrimPrefix(reason.Error(), "websocket: ")))).write(w)
}

// allowedOrigin keeps the pages of other sites out. A browser always sends the
// header; http.CrossOriginProtection lets every GET pass.
func (s *Server) allowedOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(s.allowedOrigins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

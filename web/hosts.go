package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// hosts are the names under which this server answers. A page of another site
// whose name is made to resolve to this server (DNS rebinding) is of one origin
// with it for a browser, which then sends whatever the page asks for: only the
// Host header shows that it was meant for somebody else.
//
// What is loopback is always allowed: nobody can register it. An address cannot
// be rebound, but one that the server does not listen on is not its own.
type hosts struct {
	names      map[string]bool // as hostOf writes them
	anyAddress bool            // it listens everywhere
}

// newHosts takes names, and the origins whose pages are trusted with more than
// this, as originsOf writes them.
func newHosts(names, origins []string) (hosts, error) {
	h := hosts{names: map[string]bool{}}
	for _, name := range names {
		if name == "" || strings.ContainsAny(name, "/*@ ") {
			return h, fmt.Errorf("allowed host %q: want a name or an address, without a scheme", name)
		}
		h.names[hostOf(name)] = true
	}
	for _, origin := range origins {
		_, host, _ := strings.Cut(origin, "://")
		h.names[hostOf(host)] = true
	}
	return h, nil
}

// listen adds the address of a listener. One that listens everywhere is
// reached under any address, also those of a machine that passes its port on.
func (h *hosts) listen(address net.Addr) {
	at, err := netip.ParseAddrPort(address.String())
	switch {
	case err != nil: // not TCP
	case at.Addr().IsUnspecified():
		h.anyAddress = true
	default:
		h.names[hostOf(address.String())] = true
	}
}

// allow tells whether a request with this Host header is for this server. Only
// HTTP/1.0 has requests without one, and no browser sends them.
func (h *hosts) allow(header string) bool {
	host := hostOf(header)
	if host == "" || h.names[host] || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && (h.anyAddress || address.IsLoopback())
}

// isAddress tells an address, which no attacker can make resolve to another
// machine, from a name.
func isAddress(header string) bool {
	_, err := netip.ParseAddr(hostOf(header))
	return err == nil
}

// hostOf is host[:port] without the port, in lower case. A port says nothing:
// the one that the client has dialed need not be the one that is listened on.
func hostOf(header string) string {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.Trim(header, "[]")
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().String()
	}
	return host
}

// directed refuses requests that are meant for another server. Probes come
// under whatever address the machine has.
func (s *Server) directed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		if !s.hosts.allow(r.Host) && (!probe || !isAddress(r.Host)) {
			newProblem(codeMisdirected, "This server does not answer to %q. "+
				"If it should, whoever runs it has to name that host in --allowed-hosts.", hostOf(r.Host)).write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

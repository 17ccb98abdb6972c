package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/eventim-go/eventim/invoices"
)

// commands says which role each command needs. It is the whole truth: a command
// that it lacks, and one that does not exist, ends every program and every test
// that is built with it.
var commands = covering(map[string]Role{
	"CreateInvoice":  Clerk,
	"ChangeDetails":  Clerk,
	"AddLineItem":    Clerk,
	"ChangeLineItem": Clerk,
	"RemoveLineItem": Clerk,
	"ReviseDraft":    Clerk,
	"DeleteInvoice":  Clerk, // of a draft; what was sent cannot be deleted
	"SendInvoice":    Clerk,

	"ReceivePayment":  Bookkeeper,
	"ReversePayment":  Bookkeeper,
	"VoidInvoice":     Bookkeeper,
	"WriteOffInvoice": Bookkeeper,
})

// routes says which role each other route needs, by its pattern. A server with a
// route that it lacks is not made, and a request for one is refused.
var routes = map[string]Role{
	"GET /api/invoices":                     Viewer,
	"GET /api/invoices.csv":                 Viewer,
	"GET /api/invoices/{id}":                Viewer,
	"GET /api/number-series":                Viewer,
	"GET /api/invoices/{id}/history":        Viewer,
	"GET /api/invoices/{id}/diff":           Viewer, // whoever may read an invoice may read its past
	"GET /api/invoices/{id}/commands/{key}": Viewer,
	"GET /api/commands/{id}":                Viewer,
	"GET /api/handling":                     Viewer,
	"GET /api/live":                         Viewer, // each command that comes by it needs its own role
	"GET /api/sessions":                     Viewer, // one's own
	"DELETE /api/sessions/{id}":             Viewer,
	"DELETE /api/sessions":                  Viewer,
	"GET /api/tokens":                       Viewer, // one's own
	"POST /api/tokens":                      Viewer, // for no more than one's own role
	"DELETE /api/tokens/{id}":               Viewer,
	"GET /account":                          Viewer,

	"GET /api/operations/views":                          Viewer,
	"GET /api/operations/views/{view}/rebuild":           Viewer,
	"POST /api/operations/views/{view}/rebuild":          Admin,
	"POST /api/operations/views/{view}/rebuild/pause":    Admin,
	"POST /api/operations/views/{view}/rebuild/resume":   Admin,
	"POST /api/operations/views/{view}/rebuild/cancel":   Admin,
	"POST /api/operations/views/{view}/rebuild/compare":  Admin,
	"POST /api/operations/views/{view}/rebuild/rollback": Admin,
	"POST /api/operations/views/{view}/rebuild/swap":     Admin,

	"GET /api/operations/dead-letters":               Admin, // with what people have sent
	"GET /api/operations/dead-letters/{id}":          Admin,
	"POST /api/operations/dead-letters/{id}/retry":   Admin,
	"POST /api/operations/dead-letters/{id}/discard": Admin,
	"GET /api/operations/parked":                     Admin,
	"POST /api/operations/parked/{instance}/release": Admin,

	"POST /account/log-out":            Open, // of whoever has a cookie
	"POST /account/log-out-everywhere": Viewer,
	"POST /account/sessions/{id}/end":  Viewer,
	"/":                                Viewer, // the page; who opens it is sent to log in
	"POST /account/tokens":             Viewer,
	"POST /account/tokens/{id}/revoke": Viewer,

	"POST /api/invoices/{id}/commands/{type}": Viewer, // of no command: 404

	"GET /api/me":            Nobody,
	"/api/":                  Open, // 404 and 405, and OPTIONS, which come without cookies
	"/assets/":               Open, // the program of the page, which has no data in it
	"GET /login":             Open,
	"GET /login/callback":    Open,
	"GET /account/style.css": Open,
	"GET /healthz":           Open,
	"GET /readyz":            Open,
	"GET /openapi.json":      Open,
	"GET /openapi.yaml":      Open,
	"GET /openapi-3.0.json":  Open,
	"GET /openapi-3.0.yaml":  Open,
}

const commandPattern = "POST /api/invoices/{id}/commands/"

// covering panics unless table has each command of invoices that somebody may ask for, and
// no other.
func covering(table map[string]Role) map[string]Role {
	names := invoices.Aggregate.Commands.(interface{ Names() []string }).Names()
	names = slices.DeleteFunc(names, func(name string) bool { return !invoices.Asked(name) })
	listed := slices.Sorted(maps.Keys(table))
	if slices.Sort(names); !slices.Equal(names, listed) {
		panic(fmt.Sprintf("access: the table of roles has the commands %v, and invoices have %v", listed, names))
	}
	return table
}

// ForCommand returns the role that a command needs, and false for one that does
// not exist.
func ForCommand(name string) (Role, bool) {
	role, ok := commands[name]
	return role, ok
}

// ForRoute returns the role that the route with a pattern of http.ServeMux
// needs, and false for one that nobody may use.
func ForRoute(pattern string) (Role, bool) {
	if name, ok := strings.CutPrefix(pattern, commandPattern); ok {
		if role, ok := commands[name]; ok {
			return role, true
		}
	}
	role, ok := routes[pattern]
	return role, ok
}

// CheckRoutes returns an error that names the patterns that the table lacks.
func CheckRoutes(patterns []string) error {
	var missing []string
	for _, pattern := range patterns {
		if _, ok := ForRoute(pattern); !ok {
			missing = append(missing, pattern)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the table of roles says nothing of %v", missing)
	}
	return nil
}

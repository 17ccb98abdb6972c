package access

import (
	"context"
	"maps"
	"testing"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(context.WithoutCancel(t.Context()))
}

// A program whose table lacks a command does not start, and neither do its tests.
func TestTableHasEachCommandAndNoOther(t *testing.T) {
	t.Parallel()
	panics := func(table map[string]Role) (did bool) {
		defer func() { did = recover() != nil }()
		covering(table)
		return false
	}
	if panics(commands) {
		t.Error("the table of today is refused")
	}
	for name := range commands {
		less := maps.Clone(commands)
		delete(less, name)
		if !panics(less) {
			t.Errorf("without %s it is taken", name)
		}
	}
	more := maps.Clone(commands)
	if more["PayEverything"] = Viewer; !panics(more) {
		t.Error("a command that does not exist is taken")
	}
}

func TestWhatIsNotInTheTableIsNobodys(t *testing.T) {
	t.Parallel()
	if err := CheckRoutes([]string{"GET /api/invoices", "GET /api/secrets"}); err == nil {
		t.Error("a route that the table lacks is taken")
	}
	for _, pattern := range []string{"", "GET /api/secrets", "POST /api/invoices/{id}/commands/PayEverything"} {
		if role, ok := ForRoute(pattern); ok {
			t.Errorf("%q: got %v", pattern, role)
		}
	}
	if role, ok := ForCommand("PayEverything"); ok {
		t.Errorf("got %v", role)
	}
}

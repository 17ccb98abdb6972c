package projector

import (
	"strings"
	"testing"
)

// Errors name a command of the program only where it has said that it has one.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"":              "forget the view with projector.Reanchor",
		"shop reanchor": "with the command `shop reanchor counters`",
	} {
		if got := (&view{name: "counters", reanchor: command}).advice(); !strings.Contains(got, want) {
			t.Errorf("advice of a program with the command %q: %q, want %q", command, got, want)
		}
	}
}

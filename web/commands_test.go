package web

import "testing"

func TestValidID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{"inv-1": true, "": false, "a b": false, "a\nb": false, "ä": false, "a\x7f": false} {
		if got := validID(id); got != want {
			t.Errorf("%q: got %t", id, got)
		}
	}
}

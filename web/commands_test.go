package web

import (
	"testing"
	"time"
)

func TestParsePrefer(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{
		"": 0, "wait=5": 5 * time.Second, "respond-async, WAIT = 10": 10 * time.Second, `wait="3"`: 3 * time.Second,
		"wait=600": time.Minute, "wait=99999999999999999999": 0, "wait=9999999999": time.Minute, "wait=-1": 0, "wait=x": 0, "waiting=5": 0,
	} {
		if got := parsePrefer(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

func TestParseIfMatch(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{`"4"`: 4, "0": 0} {
		if got, err := parseIfMatch(s); err != nil || got == nil || *got != want {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "*"} {
		if got, err := parseIfMatch(s); err != nil || got != nil {
			t.Errorf("%q: got %v, %v, want any version", s, got, err)
		}
	}
	for _, s := range []string{`W/"4"`, "x", `"-1"`, `"1", "2"`} {
		if _, err := parseIfMatch(s); err == nil {
			t.Errorf("%s: no error", s)
		}
	}
}

func TestValidID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{"inv-1": true, "": false, "a b": false, "a\nb": false, "ä": false, "a\x7f": false} {
		if got := validID(id); got != want {
			t.Errorf("%q: got %t", id, got)
		}
	}
}

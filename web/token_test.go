package web

import (
	"reflect"
	"testing"
)

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	for _, want := range []token{
		{epoch: "MkU3OEVBNTcwNTJENDM2Qk", results: offsets{0, 1, 1 << 40}, snapshots: offsets{7}},
		{epoch: "", results: offsets{}, snapshots: offsets{}},
	} {
		got, err := parseToken(want.String())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
}

func TestForeignTokens(t *testing.T) {
	t.Parallel()
	good := token{epoch: "cluster", results: offsets{1, 2}, snapshots: offsets{3, 4}}.String()
	for _, s := range []string{"", "!", "AA", "AQ", good[:len(good)-2], good + "AA", "Av____8P", "AQD_____D_____8P"} {
		if got, err := parseToken(s); err == nil {
			t.Errorf("%q: got %v, want an error", s, got)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add(token{epoch: "cluster", results: offsets{1, 2, 300}, snapshots: offsets{3, 4, 5}}.String())
	f.Add("AQD_____D_____8P")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		first, err := parseToken(s)
		if err != nil {
			return
		}
		again, err := parseToken(first.String())
		if err != nil || !reflect.DeepEqual(again, first) {
			t.Errorf("%q is %v, which reads as %v, %v", s, first, again, err)
		}
	})
}

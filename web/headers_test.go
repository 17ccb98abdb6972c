package web

import (
	"testing"
	"time"
)

func TestParsePrefer(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "wait=5": 5 * time.Second, "WAIT = 5": 5 * time.Second, `wait="5"`: 5 * time.Second, "wait=05": 5 * time.Second,
		"respond-async, wait=10": 10 * time.Second, "wait=10;foo=bar": 10 * time.Second, `return=minimal; x="a, wait=3", wait=4`: 4 * time.Second,
		`x="\", wait=3", wait=4`: 4 * time.Second, "wait=3, wait=4": 3 * time.Second, ", ,wait=2": 2 * time.Second,
		"wait=61": maxWait, "wait=99999999999999999999": maxWait,
		"wait": 0, "wait=": 0, "wait=0": 0, "wait=-1": 0, "wait=+1": 0, "wait=1.5": 0, "wait=x": 0, "wait=x, wait=5": 0,
		"waiting=5": 0, "x; wait=5": 0, `x="`: 0, ";": 0, `"`: 0,
	} {
		if got := parsePrefer(header); got != want {
			t.Errorf("%s: got %v, want %v", header, got, want)
		}
	}
}

func TestParseIfMatch(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]int64{
		`"4"`: 4, `4`: 4, `W/"4"`: 4, `"0"`: 0, `"9223372036854775807"`: 1<<63 - 1,
		`"3", "4"`: 4, `"4" , W/"3"`: 4, `"4","4"`: 4,
	} {
		got, err := parseIfMatch(header)
		if err != nil || got.exists || got.version == nil || *got.version != want {
			t.Errorf("%s: got %+v, error %v; want %d", header, got, err, want)
		}
	}
	for _, header := range []string{
		`01`, `"01"`, `+1`, `"+1"`, `-1`, `"-1"`, `""1""`, `"1`, `1"`, `W/1`, `w/"1"`, `W/W/"1"`, `""`, `"`, `"x"`, `"1",`, `,`, `"1" "2"`, `*, "1"`,
		`"1", *`, `1.0`, `"9223372036854775808"`, `"1;2"`, `" 1"`,
	} {
		if got, err := parseIfMatch(header); err == nil {
			t.Errorf("%s: got %+v, want an error", header, got)
		}
	}
	if got, err := parseIfMatch("*"); err != nil || !got.exists || got.version != nil {
		t.Errorf("*: got %+v, error %v", got, err)
	}
}

func TestDecodeText(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Müller": "Müller", "M\xfcller": "Müller", "UTF-8''M%C3%BCller": "Müller", "utf-8'de'M%C3%BCller": "Müller",
		"O'Neil": "O'Neil", "D'Arcy O'Neil": "D'Arcy O'Neil", "50%": "50%", "": "",
	} {
		if got, err := decodeText(header); err != nil || got != want {
			t.Errorf("%q: got %q, error %v; want %q", header, got, err, want)
		}
	}
	if got, err := decodeText("UTF-8''%C"); err == nil {
		t.Errorf("got %q, want an error", got)
	}
}

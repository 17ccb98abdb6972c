package eventim

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"inv-1": true, "2026/001": true, "50%": true, "a?b#c": true, "é": true, "発票": true, strings.Repeat("x", MaxID): true,
		"...": true, "a.b": true, `"quoted"`: true,
		"": false, ".": false, "..": false, strings.Repeat("x", MaxID+1): false, "a b": false, " a": false, "a\n": false, "\x00": false,
		"e\u0301": false, "\u200b": false, "a\u202eb": false, "\xff": false, "a\u00a0b": false, "\u2028": false, "\ufeffa": false,
	} {
		if got := ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %v, want %v", id, got, want)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	valid := Command[int]{ID: "c", Aggregate: "a", Metadata: Metadata{
		Origin: "page", Actor: "Zoë Müller", Correlation: "c", Causation: strings.Repeat("x", MaxID) + "/12", Traceparent: "nonsense",
	}}
	if err := valid.Check(); err != nil {
		t.Fatalf("got %v for a valid envelope", err)
	}
	for field, spoil := range map[string]func(*Command[int]){
		"ID":          func(c *Command[int]) { c.ID = strings.Repeat("k", 3000) },
		"Aggregate":   func(c *Command[int]) { c.Aggregate = ".." },
		"Expected":    func(c *Command[int]) { c.Expected = new(int64(-1)) },
		"Origin":      func(c *Command[int]) { c.Origin = "a page" },
		"Actor":       func(c *Command[int]) { c.Actor = "M\xfcller" },
		"Correlation": func(c *Command[int]) { c.Correlation = "\u202e" },
		"Causation":   func(c *Command[int]) { c.Causation = strings.Repeat("x", 200) },
	} {
		cmd := valid
		spoil(&cmd)
		invalid, ok := errors.AsType[*InvalidError](cmd.Check())
		if !ok || invalid.Field != field {
			t.Errorf("a bad %s: got %v", field, cmd.Check())
		}
		cmd.blank(cmd.Check())
		if cmd.ID == "" || cmd.Aggregate == "" || field == "Expected" {
			continue // there is nothing that it could be instead
		}
		if err := cmd.Check(); err != nil {
			t.Errorf("a bad %s, made blank: got %v", field, err)
		}
	}
}

func TestTraceparentIsValidOrNothing(t *testing.T) {
	t.Parallel()
	const valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for header, want := range map[string]string{
		valid: valid, "": "", "cc" + valid[2:] + "-more": "cc" + valid[2:], "cc" + valid[2:]: "cc" + valid[2:],
		valid + "-more": "", "ff" + valid[2:]: "", strings.ToUpper(valid): "", valid + "é": "", "\t" + valid: "", "x": "",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		strings.Repeat("0", 9000): "", valid + ", " + valid: "",
	} {
		if got := validTraceparent(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// What is wrong with a raw command leads to an answer that every reader can
// hold, and to a dead letter; a trace that cannot be read to neither.
func TestRawEnvelopes(t *testing.T) {
	t.Parallel()
	a := ticker()
	long := strings.Repeat("k", 3000)
	for name, c := range map[string]struct {
		key     string
		headers map[string]string
		valid   bool
	}{
		"long id":         {"a", map[string]string{headerID: long}, false},
		"long key":        {long, nil, false},
		"not UTF-8":       {"a", map[string]string{headerID: "\xff"}, false},
		"actor in Latin1": {"a", map[string]string{headerActor: "M\xfcller"}, false},
		"expected":        {"a", map[string]string{headerExpectedVersion: "one"}, false},
		"traceparent":     {"a", map[string]string{headerTraceparent: "caf\xe9\t"}, true},
	} {
		rec := rawTick(c.key, c.headers)
		cmd, err := a.decodeCommand(rec)
		if (err == nil) != c.valid {
			t.Errorf("%s: got %v, want valid %v", name, err, c.valid)
		}
		if err != nil && codeOfUnreadable(err) != CodeInvalidEnvelope {
			t.Errorf("%s: the code is %s", name, codeOfUnreadable(err))
		}
		for _, s := range []string{cmd.ID, cmd.Aggregate, cmd.Actor, cmd.Traceparent} {
			if len(s) > MaxActor || !utf8.ValidString(s) || strings.Contains(s, "\t") {
				t.Errorf("%s: %q is handed on", name, s)
			}
		}
	}
}

func rawTick(key string, headers map[string]string) Record {
	rec := Record{Topic: "ticker-commands", Key: []byte(key), Value: []byte(`{"N":1}`)}
	all := map[string]string{headerID: "c", headerType: "Tick", headerSchemaVersion: "1"}
	maps.Copy(all, headers)
	for name, value := range all {
		rec.Headers = append(rec.Headers, &Header{Key: []byte(name), Value: []byte(value)})
	}
	return rec
}

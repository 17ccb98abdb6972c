package eventim

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A result is written as encoding/json would write it.
func TestResultIsJSON(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`))
	payload := rapid.Custom(func(t *rapid.T) payloadValue {
		data, err := json.Marshal(map[string]string{text.Draw(t, "name"): text.Draw(t, "value")})
		if err != nil {
			t.Fatal(err)
		}
		return payloadValue{
			Type: text.Draw(t, "type"), SchemaVersion: rapid.Int().Draw(t, "schema version"), Version: rapid.Int64().Draw(t, "version"),
			Revision: rapid.IntRange(0, 2).Draw(t, "revision"), Time: time.UnixMilli(rapid.Int64Range(0, 253402300799999).Draw(t, "time")).UTC(),
			Command: text.Draw(t, "command"), CommandOffset: rapid.Int64().Draw(t, "offset"), Data: data,
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		v := resultValue{
			Outcome: Outcome(text.Draw(t, "outcome")), Version: rapid.Int64().Draw(t, "version"),
			Code: text.Draw(t, "code"), Message: text.Draw(t, "message"), Events: rapid.SliceOfN(payload, 0, 3).Draw(t, "events"),
		}
		if rapid.Bool().Draw(t, "with a snapshot") {
			v.Snapshot = new(payload.Draw(t, "snapshot"))
		}
		want, err := json.Marshal(v)
		if got := v.appendTo(nil); err != nil || string(got) != string(want) {
			t.Fatalf("got %s\nwant %s, %v", got, want, err)
		}
	})
}

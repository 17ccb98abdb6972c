package web

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// A frame that is taken is what any reader of JSON takes it for; of one that is
// refused the answer says why, and names it when that can be read.
func FuzzClientFrame(f *testing.F) {
	for _, text := range []string{
		`{"type":"hello","origin":"page-1","token":"t"}`, `{"type":"command","id":"c","invoice":"i","command":"SendInvoice","expected":4,"payload":{"a":[1]}}`,
		`{"type":"command","id":"c","invoice":"i","command":"SendInvoice","expected":null,"payload":null}`, `{"expected":1e2,"type":"command"}`,
		`{"type":"command","id":"c","id":"d"}`, `{"Type":"command"}`, `{"type":"command","id":"\ud800"}`, "{\"type\":\"command\",\"id\":\"\xff\"}",
		`{"type":"command","expected":9223372036854775808}`, `{"type":"command","expected":-0}`, `{"t\u0079pe":"command","id":"c"}`, `[]`, `null`, `{}`, ``, `{"type":"x"}`,
		`{"type":"command","payload":{"a":1,"a":"\ud800"}}`, `{"type":"command"} `, `{"type":"command"}{}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, wrong, err := parseFrame(data)
		if err != nil {
			if json.Valid(data) && !bytes.Contains(data, []byte(`\u`)) {
				t.Errorf("%q ends the connection: %v", data, err)
			}
			return
		}
		if wrong != nil {
			if wrong.Code != codeRequestInvalid || wrong.Detail == "" {
				t.Errorf("%q is refused with %+v", data, wrong)
			}
			return
		}
		var want clientFrame
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("%q is taken: %v", data, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %+v, want %+v", data, got, want)
		}
	})
}

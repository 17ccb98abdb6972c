package eventim

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// kinds has a member of each kind that checkJSON tells apart.
type kinds struct {
	Text    string           `json:"text"`
	Number  int64            `json:"number"`
	Yes     bool             `json:"yes,omitempty"`
	List    []kind           `json:"list" required:"false"`
	Named   map[string]kind  `json:"named" required:"false"`
	Pointer *kind            `json:"pointer" required:"false"`
	Pair    [2]int           `json:"pair" required:"false"`
	At      time.Time        `json:"at" required:"false"`
	Any     any              `json:"any" required:"false"`
	Raw     json.RawMessage  `json:"raw" required:"false"`
	Bytes   []byte           `json:"bytes" required:"false"`
	Texts   map[int]string   `json:"texts" required:"false"`
	Deep    map[string]kinds `json:"deep" required:"false"`
	kind
}

type kind struct {
	A string  `json:"a" required:"false"`
	B float64 `json:"b" required:"false"`
	C *kinds  `json:"c" required:"false"`
}

// What is taken strictly is JSON by the book (RFC 8259, and RFC 7493 where that
// leaves a choice), and means what encoding/json takes it for: nothing is
// guessed, lost or changed on the way.
func FuzzStrictJSON(f *testing.F) {
	for _, text := range []string{
		`{"text":"x","number":1}`, `{"text":"x","number":1,"yes":true,"list":[{"a":"b"}],"named":{"n":{"b":1e3}},"pair":[1,2]}`,
		`{"text":"x","number":1,"at":"2026-11-21T00:00:00Z","any":{"x":[null,1.50,"y"]},"raw":{"x":1},"bytes":"AAE=","texts":{"1":"x"}}`,
		`{"text":"x","number":1,"pointer":{"c":{"text":"y","number":2}},"deep":{"":{"text":"z","number":3}}}`,
		`{"text":"x","number":1,"pointer":null,"list":null,"named":null,"any":null,"raw":null,"bytes":null}`,
		`{"text":"x","text":"y","number":1}`, `{"text":"x","number":1,"any":{"x":1,"x":2}}`, `{"text":"x","number":1,"raw":{"x":1,"\u0078":2}}`,
		`{"text":"x","number":1,"named":{"n":{},"n":{}}}`, `{"Text":"x","number":1}`, `{"text":"x","Number":1,"number":1}`, `{"text":"x","number":1,"hidden":1}`,
		`{"text":"x","number":1,"kind":{}}`, `{"text":"x","number":1,"a":"y","b":0.1,"c":null}`, `{"te\u0078t":"x","number":1}`,
		`{"text":"\ud800","number":1}`, `{"text":"\udc00\ud800","number":1}`, `{"text":"\ud83d\ude00","number":1}`, `{"text":"x","number":1,"any":"\ud800"}`,
		"{\"text\":\"\xff\",\"number\":1}", "{\"text\":\"x\",\"number\":1,\"\xed\xa0\x80\":1}", "{\"text\":\"\\u0000\",\"number\":1}", "{\"text\":\"\ufffd\",\"number\":1}",
		`{"text":"x","number":1.0}`, `{"text":"x","number":1e2}`, `{"text":"x","number":9223372036854775808}`, `{"text":"x","number":-0}`, `{"text":"x","number":01}`,
		`{"text":"x","number":1,"pair":[1,2,3]}`, `{"text":"x","number":1,"pair":[1]}`, `{"text":null,"number":1}`, `{"text":"x","number":1} {}`, `{"text":"x","number":1,}`,
		"\ufeff{\"text\":\"x\",\"number\":1}", "{\"text\":\"x\",\"number\":1}\x00", ` { "text" : "x" , "number" : 1 } `, `null`, `[]`, `""`, `{`, ``, strings.Repeat(`{"c":`, 200),
		`{"text":"x","number":1,"texts":{"1":"x","01":"y"}}`, `{"text":"x","number":1,"texts":{"a":"x"}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := JSON[kinds]("kinds").DecodeStrictly(Payload{Type: "kinds", SchemaVersion: 1, Data: data})
		var lax kinds
		laxErr := json.Unmarshal(data, &lax)
		if err != nil {
			if strings.Contains(err.Error(), "eventim.") || !utf8.ValidString(err.Error()) {
				t.Errorf("%q: %q tells of the inside, or is no text", data, err)
			}
			return
		}
		if laxErr != nil || !reflect.DeepEqual(got, lax) {
			t.Errorf("%q: taken as %+v, by encoding/json as %+v, %v", data, got, lax, laxErr)
		}
		if !jsontext.Value(data).IsValid() {
			t.Errorf("%q is taken, and no JSON: a name stands twice, a surrogate is alone, or it is not UTF-8", data)
		}
		exact := json.NewDecoder(strings.NewReader(string(data)))
		exact.DisallowUnknownFields()
		if err := exact.Decode(new(kinds)); err != nil {
			t.Errorf("%q: %v", data, err)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		back, err := JSON[kinds]("kinds").DecodeStrictly(Payload{Type: "kinds", SchemaVersion: 1, Data: again})
		if err != nil || !reflect.DeepEqual(normal(back), normal(got)) {
			t.Errorf("%q comes back from %s as %+v, %v", data, again, back, err)
		}
	})
}

// normal is what a value is once it has been written: nil is written as null,
// and an empty RawMessage too.
func normal(s kinds) string {
	data, _ := json.Marshal(s)
	return string(data)
}

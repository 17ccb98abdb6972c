package eventim

import (
	"errors"
	"strings"
	"testing"
	"time"
)

type order struct {
	Lines []orderLine          `json:"lines"`
	Note  string               `json:"note,omitempty"`
	Extra map[string]orderLine `json:"extra" required:"false"`
	At    time.Time            `json:"at" required:"false"`
	By    *string              `json:"by" required:"false"`
	base
}

type base struct {
	Currency string `json:"currency"`
}

type orderLine struct {
	Quantity int `json:"quantity"`
}

func TestStrictJSON(t *testing.T) {
	t.Parallel()
	union := NewUnion(Of("Order", order{}))
	for text, want := range map[string]string{ // the error, "" for none
		`{"currency":"EUR","lines":[{"quantity":1}],"note":"é","extra":{"any":{"quantity":2}},"at":"2026-11-21T00:00:00Z","by":null}`: "",
		`{"currency":"EUR","lines":null}`:                     "", // as encoding/json writes a nil slice
		"\t{\"lines\":[],\"currency\":\"\\ud83d\\ude00\"} \n": "",
		`{"lines":[]}`:                                          "/currency of the payload is missing",
		`{"currency":"EUR","lines":[{}]}`:                       "/lines/0/quantity of the payload is missing",
		`{"currency":"EUR","lines":[],"currency":"USD"}`:        "/currency of the payload stands twice",
		`{"CURRENCY":"EUR","lines":[]}`:                         "/CURRENCY of the payload is not known",
		`{"currency":"EUR","lines":[{"quantity":1,"price":2}]}`: "/lines/0/price of the payload is not known",
		`{"currency":null,"lines":[]}`:                          "/currency of the payload is null",
		`{"currency":"EUR","lines":[null]}`:                     "/lines/0 of the payload is null",
		`null`:                                                  "the payload is null",
		`{"currency":"\ud800","lines":[]}`:                      "the payload is not JSON in UTF-8",
		"{\"currency\":\"\xff\",\"lines\":[]}":                  "the payload is not JSON in UTF-8",
		`{"currency":7,"lines":[]}`:                             "/currency of the payload cannot be a JSON number",
		`{"currency":"EUR","lines":{}}`:                         "/lines of the payload cannot be a JSON object",
		`{"currency":"EUR","lines":[{"quantity":1.5}]}`:         "/lines/0/quantity of the payload cannot be a JSON number 1.5",
		`{"currency":"EUR","lines":[],"at":"yesterday"}`:        "/at of the payload cannot be read: ",
		`{"currency":"EUR","lines":[]}{}`:                       "the payload goes on after its end",
		`{"currency":"EUR","lines":[]`:                          "the payload is not JSON in UTF-8",
		``:                                                      "the payload ends",
		`[]`:                                                    "the payload cannot be a JSON array",
		strings.Repeat(`[`, 100_000):                            "the payload ",
		`{"currency":"EUR","lines":[{"quantity":` + strings.Repeat("9", 1000) + `}]}`: "/lines/0/quantity of the payload cannot be a JSON number",
	} {
		_, err := union.DecodeStrictly(Payload{Type: "Order", SchemaVersion: 1, Data: []byte(text)})
		got := ""
		if err != nil {
			got = err.Error()
			if _, ok := errors.AsType[*InvalidError](err); !ok {
				t.Errorf("%.60s: %v is no InvalidError", text, err)
			}
		}
		if (want == "") != (got == "") || !strings.HasPrefix(got, want) || strings.Contains(got, "eventim.") {
			t.Errorf("%.60s: got %q, want %q", text, got, want)
		}
	}
}

// What Encode writes is never refused.
func TestStrictJSONTakesWhatIsEncoded(t *testing.T) {
	t.Parallel()
	union := NewUnion(Of("Order", order{}))
	p, err := union.Encode(order{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := union.DecodeStrictly(p); err != nil {
		t.Errorf("%s: %v", p.Data, err)
	}
}

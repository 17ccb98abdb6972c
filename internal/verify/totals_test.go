package verify

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/internal/checker"
)

// TestDocuments: the domain and the checker, which share no code, come to the
// same totals of the same documents.
func TestDocuments(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../invoices/totals/testdata/documents.json")
	if err != nil {
		t.Fatal(err)
	}
	var documents []struct {
		pricing
		Currency string `json:"currency"`
		Lines    []line `json:"lines"`
		Totals   totals `json:"totals"`
	}
	if err := json.Unmarshal(data, &documents); err != nil || len(documents) < 50 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	for i, d := range documents {
		for _, l := range d.Lines {
			if net := l.net(d.Currency); net != l.Net.Amount {
				t.Errorf("document %d: the line %+v is %s", i, l, net)
			}
		}
		if got, _ := (document{d.Currency, d.pricing, d.Lines}).total(); !reflect.DeepEqual(got, d.Totals) {
			t.Errorf("document %d: got %+v, want %+v", i, got, d.Totals)
		}
	}
}

const createdTaxed = `{"customer":{"name":"Acme"},"issueDate":"2026-11-21","dueDate":"2026-12-21","currency":"EUR",
	"lines":[{"id":"1","description":"Work","quantity":"2","unitPrice":"12.50","discount":{"percent":"10"},"tax":{"category":"S","rate":"19"},"net":{"amount":"22.50","currency":"EUR"}}],
	"pricing":{"pricesIncludeTax":true},"total":{"amount":"22.50","currency":"EUR"},
	"totals":{"lines":{"amount":"18.91","currency":"EUR"},"discount":{"amount":"0.00","currency":"EUR"},"charge":{"amount":"0.00","currency":"EUR"},
		"net":{"amount":"18.91","currency":"EUR"},"tax":{"amount":"3.59","currency":"EUR"},"gross":{"amount":"22.50","currency":"EUR"},"rounding":{"amount":"0.00","currency":"EUR"},
		"taxes":[{"category":"S","rate":"19","taxable":{"amount":"18.91","currency":"EUR"},"amount":{"amount":"3.59","currency":"EUR"}}]}}`

func TestFoldOfTax(t *testing.T) {
	t.Parallel()
	without := createdTaxed[:strings.Index(createdTaxed, `,
	"totals"`)] + "}"
	for name, c := range map[string]struct{ created, err string }{
		"as decided":          {createdTaxed, ""},
		"another tax":         {strings.ReplaceAll(createdTaxed, "3.59", "3.58"), "the totals are"},
		"another total":       {strings.Replace(createdTaxed, `"total":{"amount":"22.50"`, `"total":{"amount":"22.51"`, 1), "the total is"},
		"a discount is lost":  {strings.Replace(createdTaxed, `"discount":{"percent":"10"},`, "", 1), "line 1 is 22.50"},
		"tax is lost":         {strings.Replace(createdTaxed, `"tax":{"category":"S","rate":"19"},"net"`, `"net"`, 1), "the totals are"},
		"it is on the prices": {strings.Replace(createdTaxed, `"pricesIncludeTax":true`, "", 1), "the totals are"},
		"no totals":           {without, "the totals are"},
	} {
		state, err := Fold(nil, checker.Event{Type: "InvoiceCreated", SchemaVersion: 1, Data: []byte(c.created)})
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.err)
		}
		if c.err != "" || err != nil {
			continue
		}
		changed := `{"pricing":{},"total":{"amount":"26.78","currency":"EUR"},"totals":` + strings.NewReplacer("18.91", "22.50", "3.59", "4.28", `"gross":{"amount":"22.50"`, `"gross":{"amount":"26.78"`).
			Replace(createdTaxed[strings.Index(createdTaxed, `"totals":`)+len(`"totals":`):])
		state, err = Fold(state, checker.Event{Type: "PricingChanged", SchemaVersion: 1, Data: []byte(changed)})
		if err != nil || state.(invoice).Pricing != nil || state.(invoice).Total.Amount != "26.78" {
			t.Errorf("%s: after the change got %+v, %v, want 26.78 and no pricing", name, state, err)
		}
	}
}

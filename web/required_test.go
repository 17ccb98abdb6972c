package web_test

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// bodies are complete bodies of commands, and what has to precede them.
var bodies = map[string]struct {
	body   string
	before []string // after CreateInvoice
}{
	"CreateInvoice": {body: strings.NewReplacer(`{"name":"Acme GmbH"}`, customer, `"unitPrice":`, priced+`"unitPrice":`, `"currency":`, pricing+`"currency":`).Replace(create)},
	"ChangeDetails": {body: `{"customer":` + customer + `,"issueDate":"2026-11-20","dueDate":"2026-12-21"}`},
	"AddLineItem":   {body: strings.Replace(addLine, `"unitPrice":`, priced+`"unitPrice":`, 1)},
	"ChangeLineItem": {
		body: `{"lineId":"1","description":"Travel","quantity":"1",` + priced + `"unitPrice":"100"}`,
	},
	"RemoveLineItem": {body: `{"lineId":"1"}`},
	"ReviseDraft": {
		body: `{"customer":` + customer + `,"issueDate":"2026-11-20","dueDate":"2026-12-21",
			` + pricing + `"lines":[{"id":"1","description":"Travel","quantity":"1",` + priced + `"unitPrice":"100"}]}`,
	},
	"SendInvoice": {body: `{}`},
	"ReceivePayment": {
		body:   strings.Replace(pay, `"bank"`, `"bank","method":"bank_transfer","transactionId":"tx-1"`, 1),
		before: []string{"SendInvoice"},
	},
	"DeleteInvoice": {body: `{}`},
	"ReversePayment": {
		body:   `{"paymentId":"1","amount":{"amount":"1.00","currency":"EUR"},"date":"2026-11-21","reason":"bounced"}`,
		before: []string{"SendInvoice", "ReceivePayment"},
	},
	"VoidInvoice":     {body: `{"reason":"issued twice"}`, before: []string{"SendInvoice"}},
	"WriteOffInvoice": {body: `{"reason":"insolvent"}`, before: []string{"SendInvoice"}},
}

// Of an adjustment only the reason is optional: it is either a percentage or an
// amount, which the tests of the domain have.
const (
	priced  = `"discount":{"percent":"10","reason":"loyalty"},"charge":{"amount":"1","reason":"freight"},"tax":{"category":"Z","rate":"0"},`
	pricing = `"pricing":{"pricesIncludeTax":true,"discounts":[{"percent":"10"}],"charges":[{"amount":"1"}],"exemptions":[{"category":"E","reason":"Article 132"}]},`
)

const customer = `{"name":"Acme GmbH","email":"billing@acme.example","address":"1 Main St"}`

// What the description of the API calls optional may be absent, and what it
// calls required may not.
func TestRequiredFieldsAreThoseOfTheDescription(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	spec := n.get("/openapi.json")
	for name, c := range bodies {
		schema := spec.json("paths", "/api/invoices/{id}/commands/"+name, "post", "requestBody", "content", "application/json", "schema")
		var whole map[string]any
		if err := json.Unmarshal([]byte(c.body), &whole); err != nil {
			t.Fatal(err)
		}
		each(t, spec.body, schema, whole, name, func(field string, required bool) {
			body, err := json.Marshal(whole)
			if err != nil {
				t.Fatal(err)
			}
			want := http.StatusOK
			if required || strings.Contains(field, ".amount.") { // part of an amount is none
				want = http.StatusBadRequest
			}
			if got := n.postToNew(name, string(body), c.before...); got.status != want {
				t.Errorf("without %s, required %v: got %d, want %d: %s", field, required, got.status, want, got.text)
			}
		})
	}
}

// postToNew sends a command to an invoice that has just been created, unless
// it creates one itself.
func (n *node) postToNew(name, body string, before ...string) reply {
	n.t.Helper()
	id := rand.Text()
	if name != "CreateInvoice" {
		n.post(id, "CreateInvoice", create).want(n.t, 200)
	}
	for _, command := range before {
		n.post(id, command, bodies[command].body).want(n.t, 200)
	}
	if name == "ReviseDraft" {
		return n.post(id, name, body, "If-Match", `"1"`)
	}
	return n.post(id, name, body)
}

// each calls try while one field of value is absent, for all that its schema
// has, those of objects inside it too.
func each(t *testing.T, spec, schema, value any, path string, try func(field string, required bool)) {
	t.Helper()
	schema = resolve(spec, schema)
	if items, ok := value.([]any); ok {
		each(t, spec, dig(schema, "items"), items[0], path, try)
	}
	object, ok := value.(map[string]any)
	if !ok || object["percent"] != nil || object["amount"] != nil && object["currency"] == nil {
		return // an adjustment is one of two
	}
	required, _ := dig(schema, "required").([]any)
	properties, _ := dig(schema, "properties").(map[string]any)
	if got, want := slices.Sorted(maps.Keys(object)), slices.Sorted(maps.Keys(properties)); !slices.Equal(got, want) {
		t.Fatalf("%s: the test sends %v, the schema has %v", path, got, want)
	}
	for name, property := range properties {
		field, there := path+"."+name, object[name]
		each(t, spec, property, there, field, try)
		delete(object, name)
		try(field, slices.Contains(required, any(name)))
		object[name] = there
	}
}

// resolve follows a $ref.
func resolve(spec, schema any) any {
	ref, ok := dig(schema, "$ref").(string)
	if !ok {
		return schema
	}
	return dig(spec, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

package web_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/eventim"
)

// contract is the description of the API as it is served.
type contract struct {
	Paths      map[string]map[string]*operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	OperationID string
	Tags        []string
	Parameters  []parameter
	RequestBody struct {
		Required bool
		Content  map[string]struct{ Schema *schema }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema *schema }
	}
}

type parameter struct {
	Name, In string
	Required bool
	Schema   *schema
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Format, Pattern      string
	Enum                 []any
	MinLength, MaxLength *int
	Minimum, Maximum     *int
	MaxItems             *int
	Items                *schema
	Properties           map[string]*schema
	Required             []string
	AllOf                []*schema
}

// is tells whether values of a kind can follow from s.
func (s *schema) is(kind string) bool {
	kinds, _ := s.Type.([]any)
	return s.Type == kind || slices.Contains(kinds, any(kind))
}

func (n *node) contract() *contract {
	n.t.Helper()
	var c contract
	if err := json.Unmarshal([]byte(n.get("/openapi.json").text), &c); err != nil {
		n.t.Fatal(err)
	}
	return &c
}

func (c *contract) resolve(s *schema) *schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return c.Components.Schemas[name]
	}
	return s
}

// valid generates what a schema says.
func (c *contract) valid(t *rapid.T, s *schema) any {
	s = c.resolve(s)
	switch {
	case s.is("null") && rapid.Bool().Draw(t, "null"):
		return nil
	case len(s.Enum) > 0:
		return rapid.SampledFrom(s.Enum).Draw(t, "enum")
	case s.is("object"):
		object := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, name) || rapid.Bool().Draw(t, "with "+name) {
				object[name] = c.valid(t, s.Properties[name])
			}
		}
		return object
	case s.is("array"):
		items := make([]any, rapid.IntRange(1, 3).Draw(t, "items"))
		for i := range items {
			items[i] = c.valid(t, s.Items)
		}
		return items
	case s.is("integer"):
		return rapid.IntRange(*s.Minimum, *s.Maximum).Draw(t, "integer")
	case s.is("boolean"):
		return rapid.Bool().Draw(t, "boolean")
	case s.is("string"):
		return validText(t, s)
	}
	t.Fatalf("the test does not know the schema %+v", s)
	return nil
}

func validText(t *rapid.T, s *schema) string {
	switch {
	case s.Format == "date":
		return fmt.Sprintf("20%02d-%02d-%02d", rapid.IntRange(10, 40).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day"))
	case s.Format == "date-time":
		return fmt.Sprintf("20%02d-11-21T%02d:30:00.5Z", rapid.IntRange(10, 40).Draw(t, "year"), rapid.IntRange(0, 23).Draw(t, "hour"))
	case s.Format == "cursor":
		return "" // only the list can make one
	case s.Format == "id":
		return rapid.Map(rapid.StringMatching(s.Pattern), norm.NFC.String).Filter(eventim.ValidID).Draw(t, "id")
	case s.Format == "amount":
		return fmt.Sprint(rapid.IntRange(0, 1_000_000).Draw(t, "amount")) // decimals are a matter of the currency
	case s.Pattern != "":
		return rapid.StringMatching(s.Pattern).Filter(func(v string) bool { return s.MaxLength == nil || utf8.RuneCountInString(v) <= *s.MaxLength }).Draw(t, "text")
	}
	least, most := 0, 40
	if s.MinLength != nil {
		least = *s.MinLength
	}
	if s.MaxLength != nil {
		most = min(most, *s.MaxLength)
	}
	letters := []rune("aZ9 äß€漢.-_'/")
	return rapid.StringOfN(rapid.RuneFrom(letters), least, most, -1).Draw(t, "text")
}

// spoil returns something that a schema does not allow, nil when it allows all.
// It changes one thing, deep inside of what is valid.
func (c *contract) spoil(t *rapid.T, s *schema) any {
	s = c.resolve(s)
	switch {
	case s.is("object"):
		return c.spoilObject(t, s)
	case s.is("array"):
		if spoilt := c.spoil(t, s.Items); spoilt != nil && rapid.Bool().Draw(t, "an item") {
			return []any{c.valid(t, s.Items), spoilt}
		}
		return rapid.SampledFrom([]any{map[string]any{}, "x", 1}).Draw(t, "no array")
	case s.is("string"):
		wrong := []any{1, true, []any{}, map[string]any{}}
		if v := spoiltText(s); len(v) > 0 {
			wrong = append(wrong, v...)
		}
		return rapid.SampledFrom(wrong).Draw(t, "no text")
	default:
		t.Fatalf("the test does not know the schema %+v", s)
		return nil
	}
}

func (c *contract) spoilObject(t *rapid.T, s *schema) any {
	object := c.valid(t, s).(map[string]any)
	filled := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Properties)), func(name string) bool {
		return c.resolve(s.Properties[name]).is("null")
	})
	switch kind := rapid.SampledFrom([]string{"missing", "unknown", "inside", "null", "no object"}).Draw(t, "kind"); {
	case kind == "missing" && len(s.Required) > 0:
		delete(object, rapid.SampledFrom(s.Required).Draw(t, "missing"))
	case kind == "inside" && len(s.Properties) > 0:
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(s.Properties))).Draw(t, "member")
		object[name] = c.spoil(t, s.Properties[name])
	case kind == "null" && len(filled) > 0:
		object[rapid.SampledFrom(filled).Draw(t, "null")] = nil
	case kind == "no object":
		return rapid.SampledFrom([]any{[]any{}, "x", 1, true}).Draw(t, "no object")
	default:
		object["unknown"] = "x"
	}
	return object
}

// spoiltText lists texts that break each of the rules.
func spoiltText(s *schema) []any {
	var wrong []any
	if s.MinLength != nil && *s.MinLength > 0 {
		wrong = append(wrong, "")
	}
	if s.MaxLength != nil {
		wrong = append(wrong, strings.Repeat("x", *s.MaxLength+1), strings.Repeat("漢", *s.MaxLength+1))
	}
	if s.Format == "date" {
		wrong = append(wrong, "2026-02-30", "2026-1-1", "21.11.2026", "2026-11-21T00:00:00Z", "0000-01-01", "")
	}
	if s.Format == "date-time" {
		wrong = append(wrong, "2026-11-21", "2026-11-21T25:00:00Z", "2026-11-21T10:00:00", "2026-11-21T10:00:00 01:00", "now", "")
	}
	if s.Format == "cursor" {
		wrong = append(wrong, "x", "%%%", "0")
	}
	if s.Pattern == "" {
		return wrong
	}
	pattern := regexp.MustCompile(s.Pattern)
	for _, v := range []string{
		"", "x", "-", " ", "a b", "01", "+1", "1.", "1e5", "1,5", `"01"`, `""1""`, "0:", ":0", "999", "5 s", "-5s", "EURO", "eur", "a\x00b", strings.Repeat("9", 40), strings.Repeat("x", 200), "ä", `"`, "*, \"1\"",
	} {
		if !pattern.MatchString(v) {
			wrong = append(wrong, v)
		}
	}
	return wrong
}

// request is what is sent to an operation.
type request struct {
	path   string
	query  url.Values
	header []string
	body   string
}

func (c *contract) request(t *rapid.T, path string, op *operation) request {
	r := request{path: path, query: url.Values{}}
	rapid.Bool().Draw(t, "anything") // an operation without parameters draws nothing else
	for _, p := range op.Parameters {
		if p.Required || rapid.Bool().Draw(t, "with "+p.Name) {
			r.set(p, text(c.valid(t, p.Schema)))
		}
	}
	if op.body() != nil {
		r.body = text(c.valid(t, op.body()))
	}
	return r
}

// text writes a value as a parameter or a body has it.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = text(v[i])
		}
		if len(texts) > 0 && !strings.HasPrefix(texts[0], "{") {
			return strings.Join(texts, ",")
		}
	}
	data, _ := json.Marshal(v)
	return string(data)
}

func (r *request) set(p parameter, value string) {
	switch p.In {
	case "path":
		if strings.Trim(value, "./") == "" {
			value = "x" // a client resolves . and .. before it asks
		}
		r.path = strings.Replace(r.path, "{"+p.Name+"}", url.PathEscape(value), 1)
	case "query":
		r.query.Set(p.Name, value)
	case "header":
		r.header = append(r.header, p.Name, value)
	}
}

// settled makes the answer the final one, within a short time.
func (r request) settled(method string) request {
	if r.query.Has("version") {
		r.query.Del("at") // one of them alone is asked for, which no schema says
	}
	if r.query.Has("position") {
		r.query.Set("wait", "1ms") // else nobody waits for this test
	}
	if method == http.MethodPost {
		r.header = append(r.header, "Prefer", "wait=30")
	}
	return r
}

// check holds an answer to the contract: the status is described, and the code
// of a problem with it.
func (op *operation) check(t *testing.T, got reply) {
	t.Helper()
	response, ok := op.Responses[fmt.Sprint(got.status)]
	if !ok {
		t.Fatalf("status %d is not described: %s", got.status, got.text)
	}
	problem, ok := response.Content["application/problem+json"]
	if !ok {
		return
	}
	codes := problem.Schema.AllOf[1].Properties["code"].Enum
	if !slices.Contains(codes, got.json("code")) {
		t.Fatalf("code %v of %d is not one of %v", got.json("code"), got.status, codes)
	}
	for _, inside := range []string{"json:", "Go ", "struct", "invoices.", "web.", "eventim.", "pgx", "sarama", "SQLSTATE", ".go:"} {
		if strings.Contains(got.text, inside) {
			t.Fatalf("the answer tells of the inside (%s): %s", inside, got.text)
		}
	}
}

// examples is how many requests of each kind are sent to each operation.
const examples = 300

// The published description is what is accepted: what follows from it is not
// called unreadable, and what does not is neither taken nor a fault of ours.
func TestPublishedContractIsTheOneThatIsKept(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	for _, view := range []string{"/api/invoices", "/api/invoices/x/history", "/api/commands/x"} {
		eventually(t, func() bool { return n.get(view).status < 500 }, func() string { return "no " + view })
	}
	n.post("inv-1", "CreateInvoice", create).want(t, 200)
	n.keepsContract(func(method string, op *operation) bool { return method != http.MethodPost || !op.operates() })
}

// What an operator does changes the views that others read: here nobody else does,
// and no projector runs that would do it.
func TestPublishedContractOfOperationsIsTheOneThatIsKept(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.migrate()
	s.serve().keepsContract(func(_ string, op *operation) bool { return op.operates() })
}

func (op *operation) operates() bool { return slices.Contains(op.Tags, "operations") }

// keepsContract tries the operations that are chosen.
func (n *node) keepsContract(chosen func(method string, op *operation) bool) {
	t := n.t.(*testing.T)
	c := n.contract()
	for path, operations := range c.Paths {
		for method, op := range operations {
			method := strings.ToUpper(method)
			if !chosen(method, op) {
				continue
			}
			send := func(t *testing.T, r request) reply {
				t.Helper()
				got, err := n.try(method, r.path+"?"+r.query.Encode(), r.body, r.header...)
				if err != nil {
					t.Fatal(err)
				}
				op.check(t, got)
				return got
			}
			t.Run("valid "+op.OperationID, func(t *testing.T) {
				t.Parallel()
				valid := rapid.Custom(func(t *rapid.T) request { return c.request(t, path, op).settled(method) })
				for i := range examples {
					r := valid.Example(i)
					if got := send(t, r); slices.Contains([]int{202, 400, 415, 500}, got.status) {
						t.Errorf("%+v: got %d %s", r, got.status, got.text)
					}
				}
			})
			t.Run("invalid "+op.OperationID, func(t *testing.T) {
				t.Parallel()
				if len(op.spoilable()) == 0 && op.body() == nil {
					return // it takes everything
				}
				invalid := rapid.Custom(func(t *rapid.T) request { return c.spoilRequest(t, op, c.request(t, path, op).settled(method)) })
				for i := range examples {
					r := invalid.Example(i)
					// 431: it is so long that net/http does not even read it.
					if got := send(t, r); got.status != 400 && got.status != 422 && got.status != 431 {
						t.Errorf("%+.300v: got %d %.300s", r, got.status, got.text)
					}
				}
			})
		}
	}
}

func (op *operation) body() *schema { return op.RequestBody.Content["application/json"].Schema }

// spoilable are the parameters that do not take everything.
func (op *operation) spoilable() []parameter {
	return slices.DeleteFunc(slices.Clone(op.Parameters), func(p parameter) bool {
		return p.In == "path" || len(spoiltParameter(p.Schema)) == 0
	})
}

// spoilRequest breaks a parameter or the body. A precondition would be found
// to fail before a body that only the domain refuses.
func (c *contract) spoilRequest(t *rapid.T, op *operation, r request) request {
	r.header = slices.Clone(r.header)
	if i := slices.Index(r.header, "If-Match"); i >= 0 {
		r.header = slices.Delete(r.header, i, i+2)
	}
	spoilable := op.spoilable()
	if op.body() != nil && (len(spoilable) == 0 || rapid.Bool().Draw(t, "the body")) {
		data, _ := json.Marshal(c.spoil(t, op.body()))
		r.body = string(data)
		return r
	}
	p := rapid.SampledFrom(spoilable).Draw(t, "parameter")
	r.set(p, text(rapid.SampledFrom(spoiltParameter(p.Schema)).Draw(t, "value")))
	return r
}

// spoiltParameter lists values that are sent as texts; an empty one is none.
func spoiltParameter(s *schema) []any {
	switch s.Type {
	case "integer":
		return []any{*s.Minimum - 1, *s.Maximum + 1, "x", "1.5", "1e1"}
	case "boolean":
		return []any{"maybe", "2"}
	case "array":
		return []any{"x", "draft,x"}
	default:
		return slices.DeleteFunc(spoiltText(s), func(v any) bool {
			value := v.(string)
			return strings.TrimSpace(value) == "" || strings.ContainsAny(value, "\x00") && s.Format == ""
		})
	}
}

package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/web"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// The description of the API is its contract: it is committed, and a change of
// it shows in review.
func TestOpenAPIIsTheCommittedOne(t *testing.T) {
	t.Parallel()
	s, err := web.New(web.Config{Aggregate: invoices.Aggregate})
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	const file = "openapi.json"
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is not what the code says; look at the difference after go test ./web -run OpenAPI -update", file)
	}
}

func TestOpenAPIIsServed(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serveAnyway()
	got := n.get("/openapi.json")
	got.want(t, 200, "openapi", "3.1.0")
	for _, name := range invoices.Aggregate.Commands.(interface{ Names() []string }).Names() {
		if !invoices.Asked(name) {
			continue
		}
		schema := dig(got.body, "paths", "/api/invoices/{id}/commands/"+name, "post", "requestBody", "content", "application/json", "schema", "$ref")
		if ref, _ := schema.(string); !strings.HasSuffix(ref, "/"+name) {
			t.Errorf("%s: the schema of the body is %v", name, schema)
		}
	}
}

package invoices

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// The golden files are the contract of the wire. A file is named after the
// wire name and the schema version; that of an older version stays for ever,
// since such records do.

var goldenCommands = []Command{
	CreateInvoice{Details: acme, Currency: "EUR", Lines: []LineDetails{consulting, hosting}},
	ChangeDetails{acme},
	AddLineItem{hosting},
	ChangeLineItem{"1", hosting},
	RemoveLineItem{"1"},
	ReviseDraft{Details: acme, Lines: []RevisedLine{{"", hosting}, {"1", consulting}}},
	SendInvoice{},
	ten,
	DeleteInvoice{},
	reverse(eur("4.00")),
	VoidInvoice{"issued twice"},
	WriteOffInvoice{"insolvent"},
	record,
}

var goldenEvents = []Event{
	created,
	DetailsChanged{acme},
	LineItemAdded{Line: LineItem{"2", hosting, eur("5.00")}, Total: eur("30.00")},
	LineItemChanged{Line: LineItem{"1", hosting, eur("5.00")}, Total: eur("5.00")},
	LineItemRemoved{LineID: "1", Total: eur("0.00")},
	LinesReordered{[]string{"2", "1"}},
	PricingChanged{Pricing: priced, Total: eur("32.06"), Totals: pricedTotals},
	sentBefore,
	tenReceived,
	paid,
	InvoiceDeleted{},
	reversed,
	voided,
	writtenOff,
	numbered,
}

var goldenState = Aggregate.Replay(Invoice{}, created, sentBefore, tenReceived)

func TestGoldenCommands(t *testing.T) {
	t.Parallel()
	golden(t, "command", Aggregate.Commands, goldenCommands, names(t, Aggregate.Commands))
}

func TestGoldenEvents(t *testing.T) {
	t.Parallel()
	golden(t, "event", Aggregate.Events, goldenEvents, names(t, Aggregate.Events))
}

func TestGoldenState(t *testing.T) {
	t.Parallel()
	golden(t, "state", Aggregate.State, []Invoice{goldenState}, []string{"invoice"})
}

func names[T any](t *testing.T, codec eventim.Codec[T]) []string {
	t.Helper()
	union, ok := codec.(eventim.Union[T])
	if !ok {
		t.Fatalf("%T is not a union", codec)
	}
	return union.Names()
}

// goldenFile compares a file with v, which codec writes as p, in both directions.
func goldenFile[T any](t *testing.T, file string, codec eventim.Codec[T], v T, p eventim.Payload) {
	t.Helper()
	if *update {
		write(t, file, p.Data)
	}
	want := read(t, file)
	if got := indent(t, p.Data); got != want {
		t.Errorf("%s: encoded as\n%swant\n%s", file, got, want)
	}
	back, err := codec.Decode(eventim.Payload{Type: p.Type, SchemaVersion: p.SchemaVersion, Data: []byte(want)})
	if err != nil || !reflect.DeepEqual(back, v) {
		t.Errorf("%s: read as %+v, %v, want %+v", file, back, err, v)
	}
}

// golden compares both directions for each value, that each wire name has a
// value, and that whatever was ever written can still be read.
func golden[T any](t *testing.T, kind string, codec eventim.Codec[T], values []T, names []string) {
	t.Helper()
	current := map[string]bool{}
	for _, v := range values {
		p, err := codec.Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		current[p.Type] = true
		goldenFile(t, filepath.Join("testdata", kind, fmt.Sprintf("%s.v%d.json", p.Type, p.SchemaVersion)), codec, v, p)
	}
	if got := slices.Sorted(maps.Keys(current)); !slices.Equal(got, names) {
		t.Errorf("golden files for %v, want %v", got, names)
	}
	readable(t, kind, codec)
}

func readable[T any](t *testing.T, kind string, codec eventim.Codec[T]) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files of kind %s: %v", kind, err)
	}
	for _, file := range files {
		name, rest, _ := strings.Cut(filepath.Base(file), ".v")
		var version int
		if _, err := fmt.Sscanf(rest, "%d.json", &version); err != nil {
			t.Fatalf("%s: want <wire name>.v<schema version>.json", file)
		}
		if _, err := codec.Decode(eventim.Payload{Type: name, SchemaVersion: version, Data: []byte(read(t, file))}); err != nil {
			t.Errorf("%s: cannot be read any more: %v", file, err)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run go test -update and review the file", err)
	}
	return string(data)
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(indent(t, data)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func indent(t *testing.T, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

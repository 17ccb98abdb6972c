package invoices

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// seed adds the golden files of a kind as (wire name, data).
func seed(f *testing.F, kind string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files of kind %s: %v", kind, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		f.Add(name, data)
		f.Add(name, []byte(`{}`))
		f.Add(name, []byte(`null`))
	}
}

// roundTrip decodes; what can be read must be written and read again as the
// same.
func roundTrip[T any](t *testing.T, codec eventim.Codec[T], name string, data []byte) (v T, ok bool) {
	t.Helper()
	v, err := codec.Decode(eventim.Payload{Type: name, SchemaVersion: 1, Data: data})
	if err != nil {
		return v, false
	}
	p, err := codec.Encode(v)
	if err != nil {
		t.Fatalf("%s %s was read as %+v, but cannot be written: %v", name, data, v, err)
	}
	back, err := codec.Decode(p)
	if err != nil || !reflect.DeepEqual(back, v) {
		t.Fatalf("%s %s was written as %s and read as %+v, %v, want %+v", name, data, p.Data, back, err, v)
	}
	return v, true
}

func FuzzDecodeCommand(f *testing.F) {
	seed(f, "command")
	f.Add("AddLineItem", []byte(`{"description":"x","quantity":"999999999999.999999","unitPrice":"999999999999.999999"}`))
	f.Add("CreateInvoice", must(os.ReadFile("testdata/optional/priced-creation-command.json")))
	f.Add("ReviseDraft", must(os.ReadFile("testdata/optional/priced-revision-command.json")))
	f.Add("ReceivePayment", []byte(`{"amount":{"amount":"-92233720368547758.08","currency":"EUR"},"date":"2026-11-21"}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		cmd, ok := roundTrip(t, Aggregate.Commands, name, data)
		if !ok {
			return
		}
		for _, history := range histories {
			state := Aggregate.Replay(Invoice{}, history...)
			events, err := cmd.decide(state)
			if err != nil {
				continue
			}
			checkInvariants(t, Aggregate.Replay(state, events...))
		}
	})
}

// FuzzDecodeEvent folds events that no decision caused: Evolve must stand
// whatever the log holds.
func FuzzDecodeEvent(f *testing.F) {
	seed(f, "event")
	f.Add("InvoiceCreated", must(os.ReadFile("testdata/optional/priced-creation.json")))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		e, ok := roundTrip(t, Aggregate.Events, name, data)
		if !ok {
			return
		}
		for _, history := range histories {
			state := Aggregate.Replay(Invoice{}, append(slices.Clip(history), e)...)
			for _, cmd := range goldenCommands {
				_, _ = cmd.decide(state)
			}
		}
	})
}

func FuzzDecodeState(f *testing.F) {
	seed(f, "state")
	f.Add("invoice", must(os.ReadFile("testdata/optional/priced-state.json")))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		state, ok := roundTrip(t, Aggregate.State, name, data)
		if !ok {
			return
		}
		for _, cmd := range goldenCommands {
			events, _ := cmd.decide(state)
			Aggregate.Replay(state, events...)
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-11-21", "2024-02-29", "2026-02-29", "0001-01-01", "9999-12-31", "", "2026-1-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		if err != nil {
			return
		}
		if got := d.Time().Format(time.DateOnly); got != s || d.String() != s {
			t.Fatalf("%q was read as %v, which is %s", s, d, got)
		}
		if back, err := DateOf(d.Time()); err != nil || back != d {
			t.Fatalf("the date of %v is %v, %v", d, back, err)
		}
		roundTrip(t, eventim.JSON[Date]("d"), "d", []byte(`"`+s+`"`))
	})
}

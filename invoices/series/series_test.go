package series

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

type scenario = eventimtest.Scenario[Series, Command, Event]

const id = "default.invoice.2026"

func assign(document string) AssignNumber { return AssignNumber{document, DefaultFormat} }

func given(document string, number int64) NumberAssigned {
	return NumberAssigned{document, number, DefaultFormat.Write(2026, number), DefaultFormat}
}

// of is the aggregate, of which only the series of that id is asked.
func of(id string) eventim.Aggregate[Series, Command, Event] {
	a := Aggregate
	a.Decide = func(s Series, cmd eventim.Command[Command]) ([]Event, error) {
		cmd.Aggregate = id
		return Aggregate.Decide(s, cmd)
	}
	return a
}

func TestSeries(t *testing.T) {
	t.Parallel()
	other := AssignNumber{"b", "R-{0}/{YY}"}
	for _, s := range []scenario{
		{Name: "the first number", When: assign("a"), Then: []Event{NumberAssigned{"a", 1, "2026-0001", DefaultFormat}}},
		{Name: "the next number", Given: []Event{given("a", 1)}, When: assign("b"), Then: []Event{given("b", 2)}},
		{Name: "of a document that has one", Given: []Event{given("a", 1), given("b", 2)}, When: assign("a")},
		{Name: "another format", When: other, Then: []Event{NumberAssigned{"b", 1, "R-1/26", other.Format}}},
		{Name: "a series keeps its format", Given: []Event{given("a", 1)}, When: other, Then: []Event{given("b", 2)}},
		{Name: "no document", When: assign(""), Rejected: CodeDocumentMissing},
		{Name: "no format", When: AssignNumber{Document: "a"}, Rejected: CodeFormatInvalid},
	} {
		s.Run(t, of(id))
	}
	scenario{When: assign("a"), Rejected: CodeSeriesUnknown}.Run(t, of("2026"))
}

// TestNumbersHaveNoGap: whoever asks, in whatever order, and again: the numbers are
// 1 to N, one for each document, and no two are written alike.
func TestNumbersHaveNoGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		formats := []Format{DefaultFormat, "R{YY}/{0}", "{00}-{YYYY}", "{YYYY}{0}", "no format"}
		var numbered Series
		numbers, texts, documents := []int64{}, map[string]bool{}, map[string]bool{}
		for i := range rapid.IntRange(0, 2*remembered).Draw(t, "commands") {
			document := fmt.Sprint("d", rapid.IntRange(max(0, i-remembered+2), i+1).Draw(t, "document"))
			c := AssignNumber{document, rapid.SampledFrom(formats).Draw(t, "format")}
			events, _ := Aggregate.Decide(numbered, eventim.Command[Command]{Aggregate: id, Payload: c})
			for _, e := range events {
				n := e.(NumberAssigned)
				if documents[n.Document] || texts[n.Text] {
					t.Fatalf("%s has been given before, or %s has one: %+v", n.Text, n.Document, n)
				}
				numbers, texts[n.Text], documents[n.Document] = append(numbers, n.Number), true, true
			}
			numbered = Aggregate.Replay(numbered, events...)
		}
		for i, n := range numbers {
			if n != int64(i+1) {
				t.Fatalf("the numbers are %v", numbers)
			}
		}
		if len(numbered.Recent) > remembered {
			t.Fatalf("%d documents are remembered", len(numbered.Recent))
		}
	})
}

// TestRememberedDocuments: those of the last numbers are known, and no more are kept.
func TestRememberedDocuments(t *testing.T) {
	t.Parallel()
	var s Series
	for n := range int64(remembered + 1) {
		s = Aggregate.Replay(s, given(fmt.Sprint("d", n), n+1))
	}
	if len(s.Recent) != remembered || s.Recent[0].Document != "d1" || s.Last != remembered+1 {
		t.Errorf("%d are remembered, the first is %+v, the last number %d", len(s.Recent), s.Recent[0], s.Last)
	}
	before := slices.Clone(s.Recent)
	_ = Aggregate.Replay(s, given("next", s.Last+1))
	if !slices.Equal(s.Recent, before) {
		t.Error("a state has changed that was there before")
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for format, want := range map[Format]string{
		"{YYYY}-{0000}": "2026-0042", "{0}/{YY}": "42/26", "INV {YYYY}.{000000}": "INV 2026.000042", "{YYYY}{0}": "202642", "{0}-{YYYY}-A": "42-2026-A",
	} {
		if got := format.Write(2026, 42); format.Check() != nil || got != want {
			t.Errorf("%s writes %q, %v, want %q", format, got, format.Check(), want)
		}
	}
	if got := DefaultFormat.Write(2026, 12345); got != "2026-12345" {
		t.Errorf("a number with more digits is %q", got)
	}
	for _, format := range []Format{"", "{0000}", "{YYYY}", "{YYYY}-{0}-{0}", "{YYYY}{YY}{0}", "{YYY}-{0}", "{0}{YYYY}", "{0}1{YYYY}", "{YYYY}-{0}\n", " {YYYY}-{0}", "{YYYY}-{n}", "ü{YYYY}-{0}"} {
		if new(Format).UnmarshalText([]byte(format)) == nil {
			t.Errorf("%q is taken for a format", format)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	if k, err := ParseKey(Of(Invoice, 2026).String()); err != nil || k != (Key{"default", "invoice", 2026}) || k.String() != id {
		t.Errorf("got %+v, %v", k, err)
	}
	for _, text := range []string{"", "2026", "default.invoice.26", "default.invoice.0000", "default..2026", ".invoice.2026", "a.b.c.2026", "default.invoice.+026"} {
		if k, err := ParseKey(text); err == nil {
			t.Errorf("%q is read as %+v", text, k)
		}
	}
}

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// TestGolden pins the wire: what was written stays readable.
func TestGolden(t *testing.T) {
	t.Parallel()
	golden(t, "AssignNumber.v1", Aggregate.Commands, Command(assign("inv-1")))
	golden(t, "NumberAssigned.v1", Aggregate.Events, Event(given("inv-1", 1)))
	golden(t, "series.v1", Aggregate.State, Aggregate.Replay(Series{}, given("inv-1", 1)))
}

func golden[T any](t *testing.T, name string, codec eventim.Codec[T], v T) {
	t.Helper()
	p, err := codec.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, p.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run go test -update and review the file", err)
	}
	if string(p.Data) != string(want) || fmt.Sprintf("%s.v%d", p.Type, p.SchemaVersion) != name {
		t.Errorf("%s v%d is written as %s, want %s", p.Type, p.SchemaVersion, p.Data, want)
	}
	if back, err := codec.Decode(eventim.Payload{Type: p.Type, SchemaVersion: p.SchemaVersion, Data: want}); err != nil || !reflect.DeepEqual(back, v) {
		t.Errorf("%s is read as %+v, %v, want %+v", file, back, err, v)
	}
}

// TestFold: other states from the same events need another Revision.
func TestFold(t *testing.T) {
	t.Parallel()
	eventimtest.Fold(t, Aggregate, "testdata/fold.json", []Event{given("inv-1", 1), given("inv-2", 2)})
}

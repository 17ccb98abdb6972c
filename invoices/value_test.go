package invoices

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestValuesRefuse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		data  string
	}{
		{new(Decimal), `1.5`},
		{new(Decimal), `"1e5"`},
		{new(Decimal), `"Infinity"`},
		{new(Decimal), `"--1"`},
		{new(Decimal), `"1.2.3"`},
		{new(Decimal), `" 1"`},
		{new(Decimal), `"0x10"`},
		{new(Decimal), `"1_000"`},
		{new(Decimal), `"` + strings.Repeat("9", 39) + `"`},
		{new(Decimal), `"0.` + strings.Repeat("0", 38) + `"`},
		{new(Date), `20261121`},
		{new(Date), `"2026-02-29"`},
		{new(Date), `"2026-1-2"`},
		{new(Date), `"21.11.2026"`},
		{new(Date), `"2026-11-21T00:00:00Z"`},
		{new(Date), `"0000-01-01"`},
		{new(Date), `"10000-01-01"`},
		{new(Status), `"lost"`},
		{new(Status), `1`},
	} {
		if err := json.Unmarshal([]byte(c.data), c.value); err == nil {
			t.Errorf("%T reads %s as %v, want an error", c.value, c.data, c.value)
		}
	}
}

func TestMissingValues(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`{}`, `null`, `{"amount":null,"date":null}`, `{"amount":null,"date":"","reference":""}`,
	} {
		var c ReceivePayment
		if err := json.Unmarshal([]byte(data), &c); err != nil || c != (ReceivePayment{}) {
			t.Errorf("reading %s: %+v, %v, want no values", data, c, err)
		}
	}
	if got := (Date{}).Time(); !got.IsZero() {
		t.Errorf("time of a missing date = %v, want the zero time", got)
	}
	if got := (Money{}).String(); got != "no amount" {
		t.Errorf("zero money = %q", got)
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	d := mustDate("2026-11-21")
	if want := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC); !d.Time().Equal(want) {
		t.Errorf("time = %v, want %v", d.Time(), want)
	}
	auckland := time.FixedZone("NZDT", 13*60*60)
	if got, err := DateOf(time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC).In(auckland)); got != d || err != nil {
		t.Errorf("date in Auckland = %v, %v, want %v", got, err, d)
	}
	if !d.Before(mustDate("2026-12-01")) || d.Before(d) || !(Date{}).Before(d) {
		t.Error("dates are not ordered by the calendar, or a missing one is not first")
	}
	if _, err := DateOf(time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("the year 12026 has a date, want an error")
	}
}

func TestTidyTextStaysAsItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(
			rapid.Rune(), rapid.SampledFrom([]rune("\u0301\u200b\u200d\u202e\u00a0\ufeff\u3164 \u1100\u1161e")),
		)).Draw(t, "text")
		once := tidy(s)
		if again := tidy(once); again != once {
			t.Fatalf("%q becomes %q, and that %q", s, once, again)
		}
	})
}

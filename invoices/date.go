package invoices

import (
	"fmt"
	"time"
)

// Date is a day of the calendar, without a time and a zone. Values are
// comparable with ==. The zero Date is a missing date.
//
// The JSON form is a string, such as "2026-11-21", or "" when missing.
type Date struct{ text string }

// ParseDate reads a date such as "2026-11-21", of the years 0001 to 9999.
func ParseDate(s string) (Date, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil || s < "0001" {
		return Date{}, fmt.Errorf("%.40q is not a date of the calendar, such as 2026-11-21", s)
	}
	return Date{s}, nil
}

// DateOf returns the day of t in the zone of t. Years after 9999 have no Date.
func DateOf(t time.Time) (Date, error) { return ParseDate(t.Format(time.DateOnly)) }

// String is the date as year-month-day, "" when it is missing.
func (d Date) String() string { return d.text }

// Before reports whether d is earlier than e. A missing date is before any
// other.
func (d Date) Before(e Date) bool { return d.text < e.text }

// Time is midnight UTC of the date, the zero time when it is missing.
func (d Date) Time() time.Time {
	t, _ := time.Parse(time.DateOnly, d.text) // a missing date alone fails, as the zero time
	return t
}

// MarshalText writes the date as year-month-day.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.text), nil }

// UnmarshalText reads what ParseDate reads, or nothing.
func (d *Date) UnmarshalText(text []byte) (err error) {
	*d = Date{}
	if len(text) > 0 {
		*d, err = ParseDate(string(text))
	}
	return err
}

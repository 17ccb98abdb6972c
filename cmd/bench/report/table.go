package report

import (
	"fmt"
	"io"
	"math"

	"github.com/eventim-go/eventim/internal/page"
)

// WriteTable writes all results as tables for a terminal.
func WriteTable(w io.Writer, r Results) error {
	for _, t := range r.tables() {
		if err := t.WriteText(w); err != nil {
			return err
		}
	}
	return nil
}

// String is the median, and the spread of the rounds where there is one.
func (s Stat) String() string {
	if s.N == 0 {
		return "–"
	}
	if s.N == 1 {
		return number(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median), number(s.Min), number(s.Max))
}

// number writes three digits, with separators of thousands.
func number(v float64) string {
	abs := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "–"
	case abs >= 1000:
		return page.Thousands(int64(math.Round(v/10)) * 10)
	case abs >= 100, abs == math.Trunc(abs):
		return fmt.Sprintf("%.0f", v)
	case abs >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

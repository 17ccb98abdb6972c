package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// table is rows under a head; the first column names the row.
type table struct {
	title string
	head  []string
	rows  [][]string
}

// writeText writes the table for a terminal.
func (t table) writeText(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(out, "\n%s\n\n", t.title) // errors show in Flush
	for _, row := range append([][]string{t.head}, t.rows...) {
		_, _ = fmt.Fprintf(out, "%s\n", strings.Join(row, "\t"))
	}
	return out.Flush()
}

// markdown returns the table for a page.
func (t table) markdown() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	rule := []string{"---"}
	for range t.head[1:] {
		rule = append(rule, "---:")
	}
	line(rule)
	for _, row := range t.rows {
		line(row)
	}
	return b.String()
}

// WriteTable writes all results as tables for a terminal.
func WriteTable(w io.Writer, r Results) error {
	for _, t := range r.tables() {
		if err := t.writeText(w); err != nil {
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
		return thousands(int64(math.Round(v/10)) * 10)
	case abs >= 100, abs == math.Trunc(abs):
		return fmt.Sprintf("%.0f", v)
	case abs >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := utf8.RuneCountInString(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

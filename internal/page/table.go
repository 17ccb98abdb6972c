package page

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// Table is rows under a head; the first column names the row.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
}

// WriteText writes the table for a terminal.
func (t Table) WriteText(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(out, "\n%s\n\n", t.Title) // errors show in Flush
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		_, _ = fmt.Fprintf(out, "%s\n", strings.Join(row, "\t"))
	}
	return out.Flush()
}

// Markdown returns the table for a document, without its title.
func (t Table) Markdown() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Head)
	rule := []string{"---"}
	for range t.Head[1:] {
		rule = append(rule, "---:")
	}
	line(rule)
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}

// Thousands writes a number with separators.
func Thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := utf8.RuneCountInString(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

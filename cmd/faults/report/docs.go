package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/eventim-go/eventim/internal/page"
)

// WriteDocs writes the tables into the section soak of reliability.md in the
// folder docs, and the plot beside it.
func (all Reports) WriteDocs(docs string) error {
	plot := filepath.Join(docs, "reliability", "memory.svg")
	if err := os.MkdirAll(filepath.Dir(plot), 0o755); err != nil { //nolint:gosec // documents
		return err
	}
	if err := os.WriteFile(plot, all.MemoryPlot(), 0o644); err != nil { //nolint:gosec // documents
		return err
	}
	return page.FillFile(filepath.Join(docs, "reliability.md"), map[string]string{"soak": all.section()})
}

func (all Reports) section() string {
	var b strings.Builder
	for _, t := range all.Tables() {
		fmt.Fprintf(&b, "### %s\n\n%s\n", t.Title, t.Markdown())
	}
	b.WriteString("### Memory\n\n![Resident memory of each process over the runs](reliability/memory.svg)\n")
	return b.String()
}

package report

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/eventim-go/eventim/internal/page"
)

// WriteDocs writes results.json and the plots into the folder benchmarks of
// docs, and the generated parts of benchmarks.md.
func WriteDocs(docs string, r Results) error {
	folder := filepath.Join(docs, "benchmarks")
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // documents
		return err
	}
	if err := r.Write(filepath.Join(folder, "results.json")); err != nil {
		return err
	}
	charts := Charts(r)
	old, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if _, drawn := charts[filepath.Base(file)]; !drawn {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	for name, data := range charts {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil { //nolint:gosec // documents
			return err
		}
	}
	return page.FillFile(filepath.Join(docs, "benchmarks.md"), sections(r))
}

// Check makes all that WriteDocs does, without writing it, so that a smoke
// test shows that it can be made.
func Check(r Results) error {
	if len(r.Runs) == 0 {
		return fmt.Errorf("nothing was measured")
	}
	for name, text := range sections(r) {
		if text == "" {
			return fmt.Errorf("the section %q of the page is empty", name)
		}
	}
	for name, data := range Charts(r) {
		if strings.Contains(string(data), "NaN") || strings.Contains(string(data), "Inf") {
			return fmt.Errorf("the plot %s is not finite", name)
		}
	}
	return nil
}

func sections(r Results) map[string]string {
	return map[string]string{"run": aboutRun(r), "contenders": aboutContenders(r), "figures": figures(r)}
}

func aboutRun(r Results) string {
	var b strings.Builder
	m, s := r.Machine, r.Settings
	fmt.Fprintf(&b, "- When: %s\n- Command: `%s`\n", r.Taken.Format("2006-01-02 15:04 MST"), r.Command)
	fmt.Fprintf(&b, "- Machine: %s, %d cores for everything, %.0f GiB, Linux %s, %s\n", m.CPU, m.Cores, m.Memory, m.Kernel, m.Disk)
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		versions = append(versions, name+" "+r.Versions[name])
	}
	fmt.Fprintf(&b, "- Versions: %s\n", strings.Join(versions, ", "))
	fmt.Fprintf(&b, "- Load: %d rounds; %g s warm-up after a start and %g s measured each; %s aggregates; %s commands on their way in the closed loop; "+
		"a backlog of %s commands; session timeout %g s\n", s.Rounds, s.WarmUp, s.Measured, page.Thousands(int64(s.Keys)),
		page.Thousands(int64(s.Window)), page.Thousands(int64(s.Backlog)), s.Session)
	return b.String()
}

func aboutContenders(r Results) string {
	t := page.Table{Head: []string{"contender", "what it is"}}
	for _, c := range r.Contenders {
		t.Rows = append(t.Rows, []string{c.Title, c.Note})
	}
	return strings.Replace(t.Markdown(), "---:", "---", 1)
}

func figures(r Results) string {
	var b strings.Builder
	for _, t := range r.tables() {
		fmt.Fprintf(&b, "### %s\n\n%s\n", t.Title, t.Markdown())
	}
	b.WriteString("### Plots\n\nA bar is the median of the rounds, the line on it their spread.\n\n")
	for _, name := range slices.Sorted(maps.Keys(Charts(r))) {
		fmt.Fprintf(&b, "![%s](benchmarks/%s)\n\n", strings.TrimSuffix(name, ".svg"), name)
	}
	return b.String()
}

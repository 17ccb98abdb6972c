package page

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Fill replaces what stands between <!-- generated: name --> and
// <!-- end: name -->, for each name of sections.
func Fill(page string, sections map[string]string) (string, error) {
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		begin, end := "<!-- generated: "+name+" -->\n", "<!-- end: "+name+" -->"
		before, rest, ok1 := strings.Cut(page, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok1 || !ok2 {
			return "", fmt.Errorf("there is no section %q", name)
		}
		page = before + begin + sections[name] + end + after
	}
	return page, nil
}

// FillFile does so in a file.
func FillFile(path string, sections map[string]string) error {
	text, err := os.ReadFile(path) //nolint:gosec // the caller's file
	if err != nil {
		return err
	}
	filled, err := Fill(string(text), sections)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(filled), 0o644) //nolint:gosec // a document
}

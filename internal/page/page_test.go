package page

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFillReplacesSections(t *testing.T) {
	t.Parallel()
	const text = "a\n<!-- generated: one -->\nold\n<!-- end: one -->\nb\n<!-- generated: two -->\n<!-- end: two -->\nc\n"
	got, err := Fill(text, map[string]string{"one": "1\n", "two": "2\n"})
	want := "a\n<!-- generated: one -->\n1\n<!-- end: one -->\nb\n<!-- generated: two -->\n2\n<!-- end: two -->\nc\n"
	if err != nil || got != want {
		t.Errorf("Fill = %q, %v, want %q", got, err, want)
	}
	if _, err := Fill(text, map[string]string{"three": "3\n"}); err == nil {
		t.Error("a section that is not there was filled")
	}
}

func TestFillFileLeavesAFileWithoutTheSection(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := FillFile(path, map[string]string{"one": "1"}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("FillFile: %v, want one that names the file", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "nothing" { //nolint:gosec // ours
		t.Errorf("the file is %q, %v", data, err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := Table{Title: "T", Head: []string{"a", "b"}, Rows: [][]string{{"1", "2"}}}
	if got, want := table.Markdown(), "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"; got != want {
		t.Errorf("Markdown = %q, want %q", got, want)
	}
	var b strings.Builder
	if err := table.WriteText(&b); err != nil || b.String() != "\nT\n\na  b\n1  2\n" {
		t.Errorf("WriteText = %q, %v", b.String(), err)
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDrawingIsXML(t *testing.T) {
	t.Parallel()
	d := NewDrawing(100, 50, "a <b> & c")
	d.Text(1, 2, "ink", "start", "<x>")
	d.Line(0, 0, 1, 1, "rule")
	d.Rect(0, 0, 5, 5, "#fff")
	d.Path([][2]float64{{0, 0}, {1, 1}}, "#000")
	x := xml.NewDecoder(strings.NewReader(string(d.Bytes())))
	var err error
	for err == nil {
		_, err = x.Token()
	}
	if !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// Package docs_test holds the documentation to the code.
package docs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the line numbers of today into the documents")

// lineLink is a link to a line: [`name`](path#L12).
var lineLink = regexp.MustCompile("\\[`([^`]+)`\\]\\(([^)#]+)#L\\d+\\)")

// fileLink is any other link into the tree.
var fileLink = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, doc := range documents(t) {
		text := read(t, doc)
		want := lineLink.ReplaceAllStringFunc(text, func(link string) string {
			m := lineLink.FindStringSubmatch(link)
			file := filepath.Join(filepath.Dir(doc), m[2])
			n := definition(read(t, file), m[1])
			if n == 0 {
				t.Errorf("%s: %s does not define %s", doc, m[2], m[1])
			}
			return fmt.Sprintf("[`%s`](%s#L%d)", m[1], m[2], n)
		})
		if want != text && *update {
			if err := os.WriteFile(doc, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if want != text {
			t.Errorf("%s: links point at the wrong lines; run go test ./docs -update", doc)
		}
		for _, m := range fileLink.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s: link to nothing: %v", doc, err)
			}
		}
	}
}

func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(found, "../README.md", "../CHANGELOG.md")
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// definition returns the number of the line that defines name, which may be
// qualified by its type; otherwise that of the first line that contains it.
func definition(source, name string) int {
	last := name[strings.LastIndex(name, ".")+1:]
	defined := regexp.MustCompile(`^(func|type|var|const)\b.*\b` + regexp.QuoteMeta(last) + `\b|^\t` + regexp.QuoteMeta(last) + `\b.* =`)
	first := 0
	for i, line := range strings.Split(source, "\n") {
		if defined.MatchString(line) {
			return i + 1
		}
		if first == 0 && strings.Contains(line, name) {
			first = i + 1
		}
	}
	return first
}

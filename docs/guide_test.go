package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// codeBlock is a piece of a file, which stands above it in a comment.
var codeBlock = regexp.MustCompile("(?ms)(?:^<!-- (\\S+) -->\n)?^```(\\w*)\n(.*?)^```$")

// What the guide shows is what is tested.
func TestGuideShowsTheExample(t *testing.T) {
	t.Parallel()
	blocks := codeBlock.FindAllStringSubmatch(read(t, "guide.md"), -1)
	if len(blocks) < 10 {
		t.Fatalf("found only %d blocks of code", len(blocks))
	}
	for _, m := range blocks {
		switch file, language, code := m[1], m[2], m[3]; {
		case language == "sh":
			tryable(t, code)
		case file == "":
			t.Errorf("no comment says of which file this is:\n%s", code)
		case !strings.Contains(read(t, filepath.Join("..", file)), code):
			t.Errorf("%s does not have:\n%s", file, code)
		}
	}
}

// tryable checks that the commands are those that the program explains itself by.
func tryable(t *testing.T, commands string) {
	t.Helper()
	main := read(t, "../examples/stock/main.go")
	for line := range strings.Lines(commands) {
		if !strings.HasPrefix(line, "cd ") && !strings.Contains(main, "//\t"+line) {
			t.Errorf("the program does not say to run %s", line)
		}
	}
}

// An example is worth as much as it is short. Blank lines and comments are free.
func TestExamplesAreShort(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int{"counter": 60, "stock": 250} {
		files, err := filepath.Glob(filepath.Join("../examples", name, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files of %s, %v", name, err)
		}
		lines := 0
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				lines += linesOfCode(read(t, file))
			}
		}
		if lines > most {
			t.Errorf("%s has %d lines, at most %d are wanted", name, lines, most)
		}
	}
}

func linesOfCode(source string) (n int) {
	for line := range strings.Lines(source) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

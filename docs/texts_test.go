package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ofThisProgram are its domain and its commands, which others do not have.
var ofThisProgram = regexp.MustCompile(`(?i:\binvoices?\b|\bdoctor\b)|\breanchor\b|\btopics (create|verify|list|copy)\b|\bmake run\b`)

// An error of the framework does not send people to a command of a program that
// they do not have.
func TestErrorsNameNoProgram(t *testing.T) {
	t.Parallel()
	for _, dir := range framework(t) {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files of %s, %v", dir, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				namesNoProgram(t, file)
			}
		}
	}
}

// framework lists the directories of which the program of an author is made.
func framework(t *testing.T) []string {
	t.Helper()
	args := []string{"list", "-deps", "-f", "{{.ImportPath}} {{.Dir}}"}
	for _, path := range apiPackages {
		args = append(args, module+path)
	}
	list, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var dirs []string
	for line := range strings.Lines(string(list)) {
		if path, dir, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(path, module) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func namesNoProgram(t *testing.T, path string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if _, imports := n.(*ast.ImportSpec); imports {
			return false
		}
		text, ok := n.(*ast.BasicLit)
		if ok && text.Kind == token.STRING {
			inner := text.Value[1 : len(text.Value)-1]
			if found := ofThisProgram.FindString(inner); found != "" {
				t.Errorf("%s says %q", fset.Position(text.Pos()), found)
			}
		}
		return true
	})
}

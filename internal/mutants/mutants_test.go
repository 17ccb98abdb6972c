package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const change = `Sums are sums.
Test: ./sum TestSum

--- a/sum/sum.go
+++ b/sum/sum.go
@@ -2,2 +2,2 @@
 
-func Sum(a, b int) int { return a + b }
+func Sum(a, b int) int { return %s }
`

// module writes a small module with a function and its test, and returns it as the tree of mutants.
func module(t *testing.T) tree {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":     "module example.org/sum\n\ngo 1.26\n",
		"sum/sum.go": "package sum\n\nfunc Sum(a, b int) int { return a + b }\n",
		"sum/sum_test.go": "package sum\n\nimport \"testing\"\n\n" +
			"func TestSum(t *testing.T) {\n\tif Sum(2, 2) != 4 {\n\t\tt.Fail()\n\t}\n}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tree{dir}
}

func mutantOf(t *testing.T, text string) mutant {
	t.Helper()
	m, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m.path = filepath.Join(t.TempDir(), "it.patch")
	if err := os.WriteFile(m.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMutantIsKilledOrSurvives(t *testing.T) {
	t.Parallel()
	tree := module(t)
	for expression, want := range map[string]verdict{"a - b": killed, "a * b": survived} {
		got, err := tree.kill(t.Context(), mutantOf(t, strings.Replace(change, "%s", expression, 1)))
		if err != nil || got != want {
			t.Errorf("a sum that returns %s: got %v, %v, want %v", expression, got, err, want)
		}
	}
	source, err := os.ReadFile(filepath.Join(tree.dir, "sum", "sum.go"))
	if err != nil || !strings.Contains(string(source), "a + b") {
		t.Errorf("the tree was not put back: %s, %v", source, err)
	}
}

func TestMutantThatProvesNothingIsAnError(t *testing.T) {
	t.Parallel()
	tree := module(t)
	for what, text := range map[string]string{
		"does not compile": strings.Replace(change, "%s", "a +", 1),
		"there is no test": strings.Replace(strings.Replace(change, "%s", "a - b", 1), "TestSum", "TestProduct", 1),
		"git apply":        strings.Replace(strings.Replace(change, "%s", "a - b", 1), "return a + b", "return b + a", 1),
	} {
		if got, err := tree.kill(t.Context(), mutantOf(t, text)); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, %v, want an error with %q", got, err, what)
		}
	}
}

func TestMutantsOfChangedFilesAreChosenAndEnoughOthers(t *testing.T) {
	t.Parallel()
	all := []mutant{{name: "a", files: []string{"a.go"}}, {name: "b", files: []string{"b.go"}}, {name: "c", files: []string{"c.go"}}}
	names := func(ms []mutant) (names []string) {
		for _, m := range ms {
			names = append(names, m.name)
		}
		return slices.Sorted(slices.Values(names))
	}
	for _, c := range []struct {
		changed []string
		least   int
		want    int
	}{
		{[]string{"b.go"}, 0, 1},
		{[]string{"b.go"}, 2, 2},
		{nil, 2, 2},
		{nil, 9, 3},
		{[]string{"a.go", "b.go", "c.go"}, 1, 3},
	} {
		got := names(pick(all, c.changed, "feed", c.least))
		if len(got) != c.want || len(slices.Compact(slices.Clone(got))) != c.want {
			t.Errorf("changed %v, at least %d: got %v, want %d different ones", c.changed, c.least, got, c.want)
		}
		if len(c.changed) == 1 && !slices.Contains(got, "b") {
			t.Errorf("changed %v: got %v, want b among them", c.changed, got)
		}
	}
	if a, b := names(pick(all, nil, "a", 1)), names(pick(all, nil, "b", 1)); slices.Equal(a, b) {
		t.Errorf("two commits: both got %v, want another one each", a)
	}
}

// TestMutantsAreMutants holds all that are there to the form, and to the tree as it is.
func TestMutantsAreMutants(t *testing.T) {
	t.Parallel()
	all, err := load("patches")
	if err != nil {
		t.Fatal(err)
	}
	root := tree{filepath.Join("..", "..")}
	for _, m := range all {
		if m.path, err = filepath.Abs(m.path); err != nil {
			t.Fatal(err)
		}
		if err := root.apply(t.Context(), m, "--check"); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// TestEachPromiseHasAMutant holds the mutants against the promises that the documentation makes.
func TestEachPromiseHasAMutant(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := load("patches")
	if err != nil {
		t.Fatal(err)
	}
	promises := regexp.MustCompile(`(?m)^\| (\d+) \| `).FindAllSubmatch(doc, -1)
	if len(promises) < 10 {
		t.Errorf("found %d promises, want ten", len(promises))
	}
	for _, p := range promises {
		of := "Promise " + string(p[1]) + ":"
		if !slices.ContainsFunc(all, func(m mutant) bool { return strings.HasPrefix(m.promise, of) }) {
			t.Errorf("no mutant breaks promise %s", p[1])
		}
	}
}

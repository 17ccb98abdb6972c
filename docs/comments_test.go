package docs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whoever relies on an exported name finds what for beside it. The linter checks
// that of functions, types and constants; this one also that of methods, but for
// those of which everybody knows what they do.
func TestAPIIsDocumented(t *testing.T) {
	t.Parallel()
	for _, path := range apiPackages {
		for name, comment := range comments(t, path) {
			known := strings.HasSuffix(name, ".Error") || strings.HasSuffix(name, ".String")
			first, _, _ := strings.Cut(comment, " ")
			method := strings.Contains(name, ".")
			switch last := name[strings.LastIndex(name, ".")+1:]; {
			case comment == "" && !known:
				t.Errorf("%s: %s says nothing", path, name)
			case method && comment != "" && first != last && strings.TrimSuffix(first, "'s") != last:
				t.Errorf("%s: the comment of %s begins with %q", path, name, first)
			}
		}
	}
}

// comments returns what stands above each exported name of a package, methods
// under the name of their type as well.
func comments(t *testing.T, path string) map[string]string {
	t.Helper()
	p := documentation(t, path)
	found := map[string]string{"package": p.Doc}
	functions := func(of string, list []*doc.Func) {
		for _, f := range list {
			if ast.IsExported(f.Name) {
				found[of+f.Name] = f.Doc
			}
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, spec := range v.Decl.Specs {
				s := spec.(*ast.ValueSpec)
				for _, name := range s.Names {
					found[name.Name] = v.Doc + s.Doc.Text() + s.Comment.Text()
				}
			}
		}
	}
	functions("", p.Funcs)
	values(slices.Concat(p.Consts, p.Vars))
	for _, typ := range p.Types {
		found[typ.Name] = typ.Doc
		functions("", typ.Funcs)
		functions(typ.Name+".", typ.Methods)
		values(slices.Concat(typ.Consts, typ.Vars))
	}
	return found
}

func documentation(t *testing.T, path string) *doc.Package {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	dir := filepath.Join("..", filepath.FromSlash(path))
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != dir:
			return filepath.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
		files = append(files, parsed)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := doc.NewFromFiles(fset, files, module+path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

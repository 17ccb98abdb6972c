package docs_test

import (
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// apiPackages are what a program of an author imports.
var apiPackages = []string{"eventim", "eventim/eventimtest", "projector", "embedded", "migrations"}

const module = "github.com/eventim-go/eventim/"

// foreignTypes are those of others that the API shows, each where it has to.
var foreignTypes = map[string][]string{
	"eventim":             {"Kafka.Configure: github.com/IBM/sarama.Config"},
	"eventim/eventimtest": {"Embedded: github.com/twmb/franz-go/pkg/kfake.Cluster"}, // for control over its faults
	"migrations":          {"Up: github.com/jackc/pgx/v5/pgxpool.Pool"},
	"projector": {
		"New: github.com/jackc/pgx/v5/pgxpool.Pool",
		"NewRebuilds: github.com/jackc/pgx/v5/pgxpool.Pool",
		"NewWaiter: github.com/jackc/pgx/v5/pgxpool.Pool",
		"Projection.Queue: github.com/jackc/pgx/v5.Batch",
		"Projection.Write: github.com/jackc/pgx/v5.Tx",
		"Reanchor: github.com/jackc/pgx/v5/pgxpool.Pool",
		"Reproject: github.com/jackc/pgx/v5/pgxpool.Pool",
	},
}

// An author meets the types of the standard library and of the framework, and of
// libraries only those that cannot be done without: a library that the framework
// uses can be replaced, and its next version breaks nobody's program.
func TestAPIShowsNoForeignTypes(t *testing.T) {
	t.Parallel()
	packages := importAPI(t)
	for _, path := range apiPackages {
		w := walk{home: packages[path], seen: map[types.Type]bool{}}
		w.pkg()
		slices.Sort(w.foreign)
		if found := slices.Compact(w.foreign); !slices.Equal(found, foreignTypes[path]) {
			t.Errorf("package %s shows the types\n\t%s\nof others; want\n\t%s", path,
				strings.Join(found, "\n\t"), strings.Join(foreignTypes[path], "\n\t"))
		}
	}
}

// importAPI reads the packages as the compiler has written them.
func importAPI(t *testing.T) map[string]*types.Package {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}"}
	for _, path := range apiPackages {
		args = append(args, module+path)
	}
	list, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(list)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	from := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
	packages := map[string]*types.Package{}
	for _, path := range apiPackages {
		if packages[path], err = from.Import(module + path); err != nil {
			t.Fatal(err)
		}
	}
	return packages
}

// walk goes through all that a package exports, and keeps the types of others.
type walk struct {
	home    *types.Package
	at      string // the exported name that it is in
	seen    map[types.Type]bool
	foreign []string
}

func (w *walk) pkg() {
	for _, name := range w.home.Scope().Names() {
		object := w.home.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		w.at = name
		if _, isType := object.(*types.TypeName); isType {
			w.declared(object.Type())
		} else {
			w.visit(object.Type())
		}
	}
}

// declared visits what a type of this package consists of. An alias gives a name
// to a type of a room below, which has none otherwise.
func (w *walk) declared(t types.Type) {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || !strings.HasPrefix(pathOf(named.Obj().Pkg()), module) {
		w.visit(types.Unalias(t))
		return
	}
	name := w.at
	w.visit(named.TypeParams())
	w.visit(named.Underlying())
	for m := range named.Methods() {
		if m.Exported() {
			w.at = name + "." + m.Name()
			w.visit(m.Type())
		}
	}
}

func (w *walk) visit(t any) {
	switch t := t.(type) {
	case *types.Alias:
		if t.Obj().Pkg() == w.home && t.Obj().Exported() { // visited where it is declared
			return
		}
		w.visit(types.Unalias(t))
	case *types.Named:
		w.named(t)
	case *types.TypeParam:
	case *types.TypeParamList:
		for p := range t.TypeParams() {
			w.visit(p.Constraint())
		}
	case *types.Struct:
		w.fields(t)
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			if m.Exported() {
				w.visit(m.Type())
			}
		}
		for e := range t.EmbeddedTypes() {
			w.visit(e)
		}
	case *types.Union:
		for term := range t.Terms() {
			w.visit(term.Type())
		}
	case *types.Signature:
		w.visit(t.TypeParams())
		w.visit(t.Params())
		w.visit(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			w.visit(v.Type())
		}
	case *types.Map:
		w.visit(t.Key())
		w.visit(t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays and channels
		w.visit(t.Elem())
	}
}

func (w *walk) fields(t *types.Struct) {
	for f := range t.Fields() {
		if f.Exported() {
			at := w.at
			w.at += "." + f.Name()
			w.visit(f.Type())
			w.at = at
		}
	}
}

func (w *walk) named(t *types.Named) {
	for arg := range t.TypeArgs().Types() {
		w.visit(arg)
	}
	pkg := t.Obj().Pkg()
	ours := pkg == nil || pkg == w.home || slices.ContainsFunc(apiPackages, func(p string) bool { return module+p == pkg.Path() })
	if root, _, _ := strings.Cut(pathOf(pkg), "/"); !ours && strings.Contains(root, ".") {
		w.foreign = append(w.foreign, w.at+": "+pkg.Path()+"."+t.Obj().Name())
	}
}

func pathOf(pkg *types.Package) string {
	if pkg == nil { // error, comparable
		return ""
	}
	return pkg.Path()
}

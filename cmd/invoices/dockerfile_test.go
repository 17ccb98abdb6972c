package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one of a Dockerfile.
type instruction struct{ name, arguments string }

// stage is what follows a FROM.
type stage struct {
	name, image  string
	instructions []instruction
}

func (s stage) find(name string) []string {
	var found []string
	for _, i := range s.instructions {
		if i.name == name {
			found = append(found, i.arguments)
		}
	}
	return found
}

func dockerfile(t *testing.T) []stage {
	t.Helper()
	text := strings.ReplaceAll(readFile(t, "Dockerfile"), "\\\n", " ")
	var stages []stage
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, arguments, _ := strings.Cut(line, " ")
		if name == "FROM" {
			image, as, _ := strings.Cut(arguments, " AS ")
			stages = append(stages, stage{name: as, image: image})
			continue
		}
		last := &stages[len(stages)-1]
		last.instructions = append(last.instructions, instruction{name, strings.Join(strings.Fields(arguments), " ")})
	}
	return stages
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// entrypoint is the program of the image.
func entrypoint(t *testing.T) string {
	t.Helper()
	stages := dockerfile(t)
	found := stages[len(stages)-1].find("ENTRYPOINT")
	var argv []string
	if len(found) != 1 || json.Unmarshal([]byte(found[0]), &argv) != nil || len(argv) != 1 {
		t.Fatalf("got the entry points %q, want one program without a shell", found)
	}
	return argv[0]
}

// match returns the first group of pattern in text.
func match(t *testing.T, pattern, text string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("nothing matches %s in:\n%s", pattern, text)
	}
	return m[1]
}

func TestDockerfileStages(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	if len(stages) != 3 {
		t.Fatalf("got %d stages, want the page, the program and the image", len(stages))
	}
	page, build, image := stages[0], stages[1], stages[2]

	major := match(t, `^node:(\d+)-`, page.image)
	var manifest struct{ Engines struct{ Node string } }
	if err := json.Unmarshal([]byte(readFile(t, "web/ui/package.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	// The tag of a major version is its newest release.
	if !regexp.MustCompile(`(\^|>=)` + major + `\.`).MatchString(manifest.Engines.Node) {
		t.Errorf("the page is built with Node %s, package.json wants %s", major, manifest.Engines.Node)
	}
	if want := match(t, `(?m)^go (\d+\.\d+)`, readFile(t, "go.mod")); match(t, `^golang:(\d+\.\d+)-`, build.image) != want {
		t.Errorf("the program is built with %s, go.mod wants Go %s", build.image, want)
	}
	if runs := strings.Join(build.find("RUN"), "\n"); !strings.Contains(runs, "CGO_ENABLED=0 go build") || !strings.Contains(runs, " -o /out/invoices ./cmd/invoices") {
		t.Errorf("the program is not built without cgo from cmd/invoices:\n%s", runs)
	}
	if !slices.Contains(build.find("COPY"), "--from=page /src/web/ui/dist web/ui/dist") {
		t.Errorf("the page is not put into the program: %q", build.find("COPY"))
	}
	if image.image != "scratch" || !slices.Contains(image.find("COPY"), "--from=build /out/invoices "+entrypoint(t)) {
		t.Errorf("the image is made from %s of %q, want the program alone", image.image, image.find("COPY"))
	}
}

func TestDockerfileRunsAsNobody(t *testing.T) {
	t.Parallel()
	image := dockerfile(t)[2]
	user := image.find("USER")
	if len(user) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user[0]) {
		t.Fatalf("got the users %q, want one by number that is not root", user)
	}
	data := match(t, `EVENTIM_DATA=(\S+)`, strings.Join(image.find("ENV"), "\n"))
	if volumes := image.find("VOLUME"); !slices.Equal(volumes, []string{data}) {
		t.Errorf("got the volumes %q, want %s", volumes, data)
	}
	if !slices.Contains(image.find("COPY"), "--from=build --chown="+user[0]+" /out/data "+data) {
		t.Errorf("%s does not belong to the user: %q", data, image.find("COPY"))
	}
}

func TestDockerContext(t *testing.T) {
	t.Parallel()
	ignored := strings.Fields(readFile(t, ".dockerignore"))
	for _, name := range []string{".git", "web/ui/node_modules", "web/ui/dist", ".data"} {
		if !slices.Contains(ignored, name) {
			t.Errorf("%s is sent to the builder", name)
		}
	}
	for _, s := range dockerfile(t)[:2] {
		for _, copied := range s.find("COPY") {
			if strings.HasPrefix(copied, "--") {
				continue
			}
			sources := strings.Fields(copied)
			for _, source := range sources[:len(sources)-1] {
				readable(t, source, ignored)
			}
		}
	}
}

// readable wants a source of COPY to exist and to be sent to the builder.
func readable(t *testing.T, source string, ignored []string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("../..", source)); err != nil {
		t.Error(err)
	}
	for _, pattern := range ignored {
		if source == pattern || strings.HasPrefix(source, pattern+"/") {
			t.Errorf("%s is copied, but .dockerignore has %s", source, pattern)
		}
	}
}

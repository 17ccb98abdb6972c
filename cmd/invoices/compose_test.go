package main

import (
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	composecli "github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeFile = "../../docker-compose.yml"

// composition reads the compose file as docker compose does, with the defaults
// of its variables.
func composition(t *testing.T) *types.Project {
	t.Helper()
	options, err := composecli.NewProjectOptions([]string{composeFile}, composecli.WithWorkingDirectory("../.."), composecli.WithDiscardEnvFile)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func service(t *testing.T, p *types.Project, name string) types.ServiceConfig {
	t.Helper()
	s, err := p.GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func environment(s types.ServiceConfig) map[string]string {
	env := map[string]string{}
	for name, value := range s.Environment {
		env[name] = *value
	}
	return env
}

// commandOf parses the command of a service, with its environment, as the
// program in its container does. It is for tests that are not parallel.
func commandOf(t *testing.T, s types.ServiceConfig) cli {
	t.Helper()
	for _, assignment := range os.Environ() {
		if name, _, _ := strings.Cut(assignment, "="); strings.HasPrefix(name, "EVENTIM_") {
			t.Setenv(name, "")
			_ = os.Unsetenv(name) // Setenv puts it back afterwards
		}
	}
	env := environment(s)
	for name, value := range env {
		t.Setenv(name, value)
	}
	flags, command, err := parse(s.Command...)
	if err != nil {
		t.Fatalf("service %s: %q: %v", s.Name, s.Command, err)
	}
	if got := strings.Fields(command.Command()); !slices.Equal(got, s.Command) {
		t.Errorf("service %s runs %q, which is the command %q", s.Name, s.Command, got)
	}
	known := map[string]bool{}
	for _, f := range flagsOf(command.Selected()) {
		for _, name := range f.Envs {
			known[name] = true
		}
	}
	for name := range env {
		if strings.HasPrefix(name, "EVENTIM_") && !known[name] {
			t.Errorf("service %s: %q does not read %s", s.Name, s.Command, name)
		}
	}
	return flags
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestComposeCommands(t *testing.T) {
	p := composition(t)
	ours := map[string]string{} // listening address by service
	for name, s := range p.Services {
		if s.Image != "eventim-invoices" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			flags := commandOf(t, s)
			ours[name] = map[string]string{
				"handler": flags.Handler.HealthListen, "numbering": flags.Numbering.HealthListen, "projector": flags.Projector.HealthListen, "web": flags.Web.Web.Listen,
			}[name]
			if s.Build == nil || s.Build.Context != p.WorkingDir {
				t.Errorf("it is not built from the root of the repository: %+v", s.Build)
			}
			if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
				t.Error("it may write to its image, or has capabilities")
			}
			wantServers(t, p, s)
		})
	}
	if got, want := slices.Sorted(maps.Keys(ours)), []string{"handler", "migrate", "numbering", "projector", "topics", "web"}; !slices.Equal(got, want) {
		t.Errorf("got the services %q, want %q", got, want)
	}
	for _, name := range []string{"handler", "numbering", "projector", "web"} {
		t.Run(name+" is checked", func(t *testing.T) { wantHealthcheck(t, service(t, p, name), ours[name]) })
	}
}

// wantServers holds the addresses in the environment against the servers.
func wantServers(t *testing.T, p *types.Project, s types.ServiceConfig) {
	t.Helper()
	env := environment(s)
	if kafka, ok := env["EVENTIM_KAFKA"]; ok {
		broker := environment(service(t, p, "kafka"))
		if !slices.Contains(strings.Split(broker["KAFKA_ADVERTISED_LISTENERS"], ","), "PLAINTEXT://"+kafka) {
			t.Errorf("EVENTIM_KAFKA is %s, the broker is at %s", kafka, broker["KAFKA_ADVERTISED_LISTENERS"])
		}
	}
	address, ok := env["EVENTIM_POSTGRES"]
	if !ok {
		return
	}
	postgres := environment(service(t, p, "postgres"))
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if u.Host != "postgres:5432" || u.User.Username() != postgres["POSTGRES_USER"] || u.Path != "/"+postgres["POSTGRES_DB"] {
		t.Errorf("EVENTIM_POSTGRES is %s, the server has %v", address, postgres)
	}
	if _, inURL := u.User.Password(); inURL || env["PGPASSWORD"] == "" || env["PGPASSWORD"] != postgres["POSTGRES_PASSWORD"] {
		t.Error("the password is in the URL, or is not that of the server")
	}
}

func wantHealthcheck(t *testing.T, s types.ServiceConfig, listen string) {
	t.Helper()
	test := s.HealthCheck.Test
	if len(test) < 3 || test[0] != "CMD" || test[1] != entrypoint(t) {
		t.Fatalf("got the health check %q, want the program of the image", test)
	}
	flags, command, err := parse(test[2:]...)
	if err != nil || command.Command() != "healthcheck" {
		t.Fatalf("the health check %q is the command %v, error %v", test, command, err)
	}
	u, err := url.Parse(flags.Healthcheck.URL)
	if err != nil {
		t.Fatal(err)
	}
	if u.Port() != port(t, listen) || u.Path != "/readyz" {
		t.Errorf("the health check asks %s, the service listens at %s", u, listen)
	}
	if timeout := time.Duration(*s.HealthCheck.Timeout); flags.Healthcheck.Timeout >= timeout {
		t.Errorf("the health check waits for %v, and is killed after %v", flags.Healthcheck.Timeout, timeout)
	}
}

func TestComposeHasNoSecret(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(composeFile)
	if err != nil {
		t.Fatal(err)
	}
	passwords := 0
	for line := range strings.Lines(string(content)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || !strings.HasSuffix(name, "PASSWORD") {
			continue
		}
		passwords++
		if !strings.HasPrefix(value, "${") {
			t.Errorf("%q cannot be replaced from the environment", line)
		}
	}
	if passwords != 2 {
		t.Errorf("found %d passwords, want those of the server and of its clients", passwords)
	}
}

package main

import (
	"bytes"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/web/access"
)

var update = flag.Bool("update", false, "write the golden files anew")

// parse parses a command line, as the program does.
func parse(args ...string) (cli, *kong.Context, error) {
	var flags cli
	command, err := newParser(&flags).Parse(args)
	return flags, command, err
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"", "handler", "projector", "web", "all", "topics create", "topics verify", "topics list", "topics copy", "migrate", "doctor transactions", "reanchor", "views", "rebuild", "rebuild start", "rebuild status",
		"rebuild swap", "rebuild resume", "reproject", "healthcheck", "dead-letters", "dead-letters list", "dead-letters retry", "dead-letters discard",
		"parked", "parked release",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			exited := false
			parser := newParser(&cli{}, kong.Writers(&out, &out), kong.Exit(func(int) { exited = true }))
			// What follows the help is an error about what is missing.
			_, _ = parser.Parse(append(strings.Fields(command), "--help"))
			if !exited {
				t.Fatal("--help does not end the program")
			}
			file := filepath.Join("testdata", "help", strings.ReplaceAll("invoices "+command, " ", "-")+".txt")
			file = strings.ReplaceAll(file, "-.txt", ".txt")
			if *update {
				if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("the help differs from %s; if that is right, run the test with -update. Got:\n%s", file, &out)
			}
		})
	}
}

func TestFlagsFromTheEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"EVENTIM_KAFKA": "a:1,b:2", "EVENTIM_AGGREGATE": "rechnung", "EVENTIM_KAFKA_TLS": "true", "EVENTIM_KAFKA_TLS_CA": "ca.pem",
		"EVENTIM_KAFKA_SASL_MECHANISM": "scram-sha-512", "EVENTIM_KAFKA_SASL_USER": "u", "EVENTIM_KAFKA_SASL_PASSWORD_FILE": "p",
		"EVENTIM_POSTGRES": "postgres://db/x", "EVENTIM_POSTGRES_CONNECTIONS": "7", "EVENTIM_POSTGRES_PASSWORD_FILE": "q",
		"EVENTIM_DATA": "/d", "EVENTIM_LANES": "4", "EVENTIM_MAX_BATCH": "9", "EVENTIM_SESSION_TIMEOUT": "30s",
		"EVENTIM_CACHED_STATES": "11", "EVENTIM_CACHE_MIB": "12", "EVENTIM_PROJECTOR_BATCH": "13", "EVENTIM_PROJECTOR_LANES": "-1", "EVENTIM_PROJECTOR_GROUP": "g",
		"EVENTIM_LISTEN": ":1", "EVENTIM_HEALTH_LISTEN": ":2", "EVENTIM_ALLOWED_HOSTS": "a,b", "EVENTIM_ALLOWED_ORIGINS": "https://a,https://b",
		"EVENTIM_ACTOR_HEADER": "X-User", "EVENTIM_MAX_SOCKETS": "14", "EVENTIM_CREATE_TOPICS": "true", "EVENTIM_REPLICATION": "2",
		"EVENTIM_LOGIN_ISSUER": "https://i", "EVENTIM_LOGIN_URL": "https://u", "EVENTIM_LOGIN_CLIENT_ID": "c", "EVENTIM_LOGIN_CLIENT_SECRET_FILE": "s",
		"EVENTIM_LOGIN_ROLES_CLAIM": "groups", "EVENTIM_LOGIN_SCOPES": "groups", "EVENTIM_LOGIN_ROLES": "A=clerk;B=admin", "EVENTIM_LOGIN_ANONYMOUS": "viewer",
		"EVENTIM_RATE_LIMIT": "15", "EVENTIM_LOGIN_IDLE": "15m", "EVENTIM_LOGIN_LIFETIME": "8h",
		"EVENTIM_MIGRATE": "true", "EVENTIM_NUMBER_FORMAT": "R-{0}/{YY}", "EVENTIM_LOG": "text", "EVENTIM_LOG_LEVEL": "debug",
	} {
		t.Setenv(name, value)
	}
	got, _, err := parse("all", "--max-batch", "10")
	if err != nil {
		t.Fatal(err)
	}
	want := allCommand{
		CreateTopics: true, Replication: 2, Migrate: true,
		Handler:   handlerFlags{Data: "/d", Lanes: 4, MaxBatch: 10, SessionTimeout: 30 * time.Second, CachedStates: 11, CacheMiB: 12},
		Numbering: numberingFlags{NumberFormat: "R-{0}/{YY}"},
		Projector: projectorFlags{ProjectorGroup: "g", ProjectorBatch: 13, ProjectorLanes: -1},
		Web: webFlags{
			Listen: ":1", AllowedHosts: []string{"a", "b"}, AllowedOrigins: []string{"https://a", "https://b"}, ActorHeader: "X-User", MaxSockets: 14, RateLimit: 15,
			Login: loginFlags{
				Issuer: "https://i", URL: "https://u", ClientID: "c", ClientSecretFile: "s", RolesClaim: "groups", Scopes: []string{"groups"},
				Roles: map[string]string{"A": "clerk", "B": "admin"}, Anonymous: access.Viewer, Idle: 15 * time.Minute, Lifetime: 8 * time.Hour,
			},
		},
		Kafka: kafkaFlags{
			Kafka: []string{"a:1", "b:2"}, Aggregate: "rechnung", Partitions: 12, TLS: tlsFlags{Enabled: true, CA: "ca.pem"},
			SASL: saslFlags{Mechanism: "scram-sha-512", User: "u", PasswordFile: "p"},
		},
		Postgres:     postgresFlags{Postgres: "postgres://db/x", PostgresPasswordFile: "q", PostgresConnections: 7},
		HealthListen: ":2",
	}
	if !reflect.DeepEqual(got.All, want) {
		t.Errorf("got  %+v\nwant %+v", got.All, want)
	}
	if want := (logFlags{app.LogText, slog.LevelDebug}); got.Log != want {
		t.Errorf("got %+v, want %+v", got.Log, want)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"rebuild"},
		{"handler", "--port", "1"},
		{"handler", "--lanes", "two"},
		{"reanchor"},
		{"reanchor", "no_such_view"},
		{"web", "--kafka-sasl-mechanism", "gssapi"},
		{"web", "--log-format", "xml"},
		{"numbering", "--number-format", "{YYYY}"},
		{"web", "--log-level", "loud"},
		{"topics"},
	} {
		if _, _, err := parse(args...); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	code, stdout, stderr := run(t, nil, "handler", "--lanes", "two")
	if code != misuse || stdout != "" || !strings.Contains(stderr, "--lanes") || !strings.Contains(stderr, "--help") {
		t.Errorf("got exit code %d, output %q, error %q; want 2 and words about --lanes and --help", code, stdout, stderr)
	}
}

// flagsOf are the flags of a command and of the commands around it.
func flagsOf(node *kong.Node) []*kong.Flag {
	var all []*kong.Flag
	for ; node != nil; node = node.Parent {
		all = append(all, node.Flags...)
	}
	return all
}

func TestEachFlagHasAVariable(t *testing.T) {
	t.Parallel()
	without := map[string]bool{
		"help": true, "version": true, "url": true, "timeout": true,
		"to": true, "to-partitions": true, "mend": true, "json": true, "role": true, "days": true, // of one run
		"rate": true, "swap": true, "grace": true, "watch": true, "despite-differences": true, "id": true, // of one rebuild
		"all": true, "limit": true, "wait": true, "why": true, "how": true, // of one look at what has failed
	}
	names := map[string]string{} // of flags by variable
	for _, leaf := range newParser(&cli{}).Model.Leaves(false) {
		for _, f := range flagsOf(leaf) {
			if without[f.Name] {
				continue
			}
			if len(f.Envs) != 1 || !strings.HasPrefix(f.Envs[0], "EVENTIM_") {
				t.Errorf("%s --%s has the variables %q, want one that begins with EVENTIM_", leaf.Path(), f.Name, f.Envs)
				continue
			}
			if other, ok := names[f.Envs[0]]; ok && other != f.Name {
				t.Errorf("%s means --%s and --%s", f.Envs[0], other, f.Name)
			}
			names[f.Envs[0]] = f.Name
		}
	}
	if len(names) < 20 {
		t.Errorf("found %d variables, want more: the model was not read", len(names))
	}
}

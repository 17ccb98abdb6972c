package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// installation is the environment of an installation of its own.
func installation(t *testing.T) (k eventim.Kafka, aggregate string, env []string) {
	t.Helper()
	k, aggregate = eventimtest.Kafka(t), eventimtest.Name(t, "invoice")
	return k, aggregate, []string{"EVENTIM_KAFKA=" + strings.Join(k.Brokers, ","), "EVENTIM_AGGREGATE=" + aggregate, "EVENTIM_REPLICATION=1"}
}

// succeed runs the program, which must end with 0, and returns what it wrote
// to its standard output.
func succeed(t *testing.T, env []string, args ...string) string {
	t.Helper()
	code, stdout, stderr := run(t, env, args...)
	if code != 0 {
		t.Fatalf("%q: got exit code %d, want 0\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// address waits until the program says in its log where it listens.
func address(t *testing.T, c *childtest.Process, message string) string {
	t.Helper()
	c.Stderr.Await(t, fmt.Sprintf(`"msg":%q`, message))
	for line := range strings.SplitSeq(c.Stderr.String(), "\n") {
		var l struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == message {
			return l.Address
		}
	}
	t.Fatalf("there is no address in the line %q:\n%s", message, &c.Stderr)
	return ""
}

// eventually waits for done.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(childtest.Patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// get asks for JSON.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	return request(t, http.MethodGet, url, "")
}

func request(t *testing.T, method, url, content string, header ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Prefer", "wait=30")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func TestHandlerRefusesWrongTopics(t *testing.T) {
	t.Parallel()
	k, aggregate, env := installation(t)
	args := []string{"handler", "--data", t.TempDir(), "--health-listen", "127.0.0.1:0"}
	code, _, stderr := run(t, append(env, "EVENTIM_LOG=text"), args...)
	if code != failed || strings.Count(stderr, "does not exist") != 5 || !strings.Contains(stderr, "`invoices topics create`") || !strings.Contains(stderr, "\n  "+aggregate+"-events: does not exist\n") {
		t.Errorf("got exit code %d and %q, want 1 and a line for each of five topics", code, stderr)
	}
	if said := succeed(t, env, "topics", "create"); strings.Count(said, ": created\n") != 14 {
		t.Errorf("topics create says\n%swant that it created 14 topics", said)
	}
	if said := succeed(t, env, "topics", "create"); strings.Count(said, ": was there\n") != 14 {
		t.Errorf("topics create says\n%swant that 14 topics were there", said)
	}
	succeed(t, env, "topics", "verify")
	list := succeed(t, env, "topics", "list")
	if lines := strings.Split(strings.TrimSpace(list), "\n"); len(lines) != 15 || !strings.HasPrefix(lines[3], aggregate+"-events") || !strings.Contains(lines[3], "12") {
		t.Errorf("got the list\n%swant a heading and 14 topics, those of the invoices of 12 partitions", list)
	}

	alter(t, k, aggregate+"-events", "cleanup.policy", "compact")
	code, stdout, _ := run(t, env, "topics", "create")
	if want := aggregate + "-events: was there, and is not as it must be\n"; code != failed || !strings.Contains(stdout, want) {
		t.Errorf("topics create: got exit code %d and\n%swant 1 and %q", code, stdout, want)
	}
	code, _, stderr = run(t, append(env, "EVENTIM_LOG=json"), args...)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	var last struct{ Differences []string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatalf("the last line of the log is no JSON: %v\n%s", err, stderr)
	}
	if want := aggregate + "-events: cleanup.policy is compact, want delete"; code != failed || len(last.Differences) != 1 || last.Differences[0] != want {
		t.Errorf("got exit code %d and the differences %q, want 1 and %q", code, last.Differences, want)
	}
}

func alter(t *testing.T, k eventim.Kafka, topic, name, value string) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(k.Brokers, kafkalog.Kafka(k).Config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	err = admin.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
		name: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
}

func TestHandlerTellsHowItIsAndStopsWhenTold(t *testing.T) {
	t.Parallel()
	_, _, env := installation(t)
	succeed(t, env, "topics", "create")
	c := start(t, append(env, "EVENTIM_LOG=json"), "handler", "--data", t.TempDir(), "--health-listen", "127.0.0.1:0")
	url := "http://" + address(t, c, "serving health")
	eventually(t, "twelve partitions run", func() bool {
		status, body := get(t, url+"/readyz")
		return status == http.StatusOK && strings.Count(body, `"state":"running"`) == 13 // and the handler itself
	})
	if stdout := succeed(t, nil, "healthcheck", "--url", url+"/readyz"); !strings.Contains(stdout, `"status":"ready"`) {
		t.Errorf("healthcheck wrote %q, want the answer", stdout)
	}
	succeed(t, nil, "healthcheck", "--url", url+"/healthz")

	if code := c.End(t, syscall.SIGTERM); code != 0 {
		t.Errorf("got exit code %d, want 0\n%s", code, &c.Stderr)
	}
	c.Stderr.Await(t, "terminated signal received")
	if code, _, stderr := run(t, nil, "healthcheck", "--url", url+"/readyz"); code != failed || !strings.Contains(stderr, "refused") {
		t.Errorf("healthcheck of a stopped handler: got exit code %d and %q, want 1 and why", code, stderr)
	}
}

func TestTheBinaryLacksWhatIsForDevelopment(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 {
		t.Fatalf("go list names %d packages, want all", len(packages))
	}
	for _, name := range packages {
		for _, unwanted := range []string{"/internal/devbroker", "/internal/devpostgres", "/kfake", "/eventimtest", "franz-go", "testing"} {
			if strings.HasSuffix(name, unwanted) || strings.Contains(name, unwanted+"/") {
				t.Errorf("cmd/invoices imports %s", name)
			}
		}
	}
}

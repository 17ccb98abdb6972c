package main

import (
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

func TestComposePorts(t *testing.T) {
	p := composition(t)
	published := map[string]string{}
	for name, s := range p.Services {
		for _, binding := range s.Ports {
			published[name] = strconv.FormatUint(uint64(binding.Target), 10)
			if binding.HostIP != "127.0.0.1" {
				t.Errorf("service %s can be reached at %q, want this machine only", name, binding.HostIP)
			}
		}
	}
	web := commandOf(t, service(t, p, "web")).Web.Web.Listen
	want := map[string]string{"kafka": "29092", "postgres": "5432", "web": port(t, web)}
	if !maps.Equal(published, want) {
		t.Errorf("got the ports %v, want %v", published, want)
	}
	if !strings.HasPrefix(web, ":") {
		t.Errorf("web listens at %s, where nobody outside of the container reaches it", web)
	}
	listeners := environment(service(t, p, "kafka"))
	if !strings.Contains(listeners["KAFKA_ADVERTISED_LISTENERS"], "HOST://127.0.0.1:29092") || !strings.Contains(listeners["KAFKA_LISTENERS"], "HOST://:29092") {
		t.Errorf("the published port of Kafka has no listener: %v", listeners)
	}
}

func TestComposeVolumes(t *testing.T) {
	p := composition(t)
	for name, target := range map[string]string{
		"kafka": environment(service(t, p, "kafka"))["KAFKA_LOG_DIRS"],
		// Since 18 the image has its data in a directory below.
		"postgres":  "/var/lib/postgresql",
		"handler":   commandOf(t, service(t, p, "handler")).Handler.Handler.Data,
		"numbering": commandOf(t, service(t, p, "numbering")).Numbering.Handler.Data,
	} {
		volumes := service(t, p, name).Volumes
		if len(volumes) != 1 || volumes[0].Type != types.VolumeTypeVolume || volumes[0].Target != target {
			t.Errorf("service %s has the volumes %+v, want one at %s", name, volumes, target)
			continue
		}
		if _, ok := p.Volumes[volumes[0].Source]; !ok {
			t.Errorf("the volume %q of service %s is not declared, and is lost with the container", volumes[0].Source, name)
		}
	}
}

func TestComposeOrder(t *testing.T) {
	t.Parallel()
	p := composition(t)
	const completed, healthy = types.ServiceConditionCompletedSuccessfully, types.ServiceConditionHealthy
	for name, want := range map[string]map[string]string{
		"kafka": {}, "postgres": {},
		"topics": {"kafka": healthy}, "migrate": {"postgres": healthy},
		"handler":   {"topics": completed},
		"numbering": {"topics": completed},
		"projector": {"topics": completed, "migrate": completed},
		"web":       {"topics": completed, "migrate": completed},
	} {
		s := service(t, p, name)
		got := map[string]string{}
		for other, d := range s.DependsOn {
			got[other] = d.Condition
			if d.Condition == healthy && service(t, p, other).HealthCheck == nil {
				t.Errorf("service %s waits for %s, which has no health check", name, other)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("service %s waits for %v, want %v", name, got, want)
		}
		once := name == "topics" || name == "migrate"
		if restart := map[bool]string{true: types.RestartPolicyNo, false: types.RestartPolicyUnlessStopped}[once]; s.Restart != restart {
			t.Errorf("service %s has the restart policy %q, want %q", name, s.Restart, restart)
		}
		// The web server drains for 20 s at most.
		if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < 30*time.Second {
			t.Errorf("service %s is killed after %v, want 30s or more to stop", name, s.StopGracePeriod)
		}
	}
}

// testedKafka is the version that make test-kafka runs on.
func testedKafka(t *testing.T) string {
	t.Helper()
	pom, err := os.ReadFile("../../.ci/kafka/pom.xml")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`<kafka.version>(.*)</kafka.version>`).FindSubmatch(pom)
	if version == nil {
		t.Fatal("the tests name no version of Kafka")
	}
	return string(version[1])
}

func TestComposeKafkaIsForOneNode(t *testing.T) {
	p := composition(t)
	kafka := service(t, p, "kafka")
	if want := "apache/kafka:" + testedKafka(t); kafka.Image != want {
		t.Errorf("got the image %s, want %s, which the tests run on", kafka.Image, want)
	}
	env := environment(kafka)
	for name, want := range map[string]string{
		"KAFKA_PROCESS_ROLES":                            "broker,controller",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR":         "1",
		"KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
		"KAFKA_TRANSACTION_STATE_LOG_MIN_ISR":            "1",
		"KAFKA_MIN_INSYNC_REPLICAS":                      "1",
		"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS":         "0",
		"KAFKA_AUTO_CREATE_TOPICS_ENABLE":                "false",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if got := commandOf(t, service(t, p, "topics")).Topics.Create.Replication; got != 1 {
		t.Errorf("topics are created with %d replicas, want 1", got)
	}
}

package main

import (
	"encoding/xml"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestOneKafkaVersionStandsEverywhere(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../../.ci/kafka/pom.xml", "streams/pom.xml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var pom struct {
			Version string `xml:"properties>kafka.version"`
		}
		if err := xml.Unmarshal(data, &pom); err != nil {
			t.Fatal(err)
		}
		if pom.Version != newestKafka {
			t.Errorf("%s has Kafka %q, want %s", file, pom.Version, newestKafka)
		}
	}
}

// The benchmark says which broker it has measured.
func TestKafkaVersionIsThatOfTheScript(t *testing.T) {
	for _, version := range []string{"", "4.3.1"} {
		t.Setenv("KAFKA_VERSION", version)
		out, err := exec.CommandContext(t.Context(), "../../.ci/kafka/kafka.sh", "version").Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(out)); got != kafkaVersion() {
			t.Errorf("with KAFKA_VERSION=%s the script starts Kafka %s, and the benchmark says %s", version, got, kafkaVersion())
		}
	}
}

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// describe puts down what the figures depend on.
func (c *comparison) describe(list []contender) (report.Results, error) {
	machine, err := describeMachine()
	if err != nil {
		return report.Results{}, err
	}
	r := report.Results{
		Taken: time.Now().UTC().Truncate(time.Second), Command: "bench " + strings.Join(os.Args[1:], " "), Machine: machine,
		Versions: versions(),
		Settings: report.Settings{
			Rounds: c.Rounds, WarmUp: c.Warm.Seconds(), Measured: c.Measure.Seconds(), Window: c.Window, Keys: c.Keys,
			Backlog: c.Backlog, Aggregates: c.Aggregates, Session: c.Session.Seconds(),
		},
	}
	for _, con := range list {
		r.Contenders = append(r.Contenders, con.Contender)
	}
	return r, nil
}

func describeMachine() (report.Machine, error) {
	m := report.Machine{Cores: runtime.NumCPU(), Disk: fileSystem(os.TempDir())}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m, fmt.Errorf("the benchmark measures with /proc, which Linux alone has: %w", err)
	}
	m.CPU = field(string(info), "model name")
	memory, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return m, err
	}
	kib, err := strconv.ParseFloat(strings.TrimSuffix(field(string(memory), "MemTotal"), " kB"), 64)
	if err != nil {
		return m, fmt.Errorf("/proc/meminfo: %w", err)
	}
	m.Memory = kib / (1 << 20)
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(kernel))
	return m, err
}

// field returns the first value of a name in lines of "name: value".
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(n) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystem returns the type of the file system that holds a folder.
func fileSystem(folder string) string {
	mounts, err := os.Open("/proc/mounts")
	if err != nil {
		return ""
	}
	defer func() { _ = mounts.Close() }()
	longest, kind := -1, ""
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) > 2 && strings.HasPrefix(folder+"/", strings.TrimSuffix(f[1], "/")+"/") && len(f[1]) > longest {
			longest, kind = len(f[1]), f[2]
		}
	}
	return kind
}

func versions() map[string]string {
	v := map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go"), "Kafka": kafkaVersion(), "Kafka Streams": kafkaVersion(), "goka": "1.1.14"}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			switch d.Path {
			case "github.com/IBM/sarama":
				v["sarama"] = strings.TrimPrefix(d.Version, "v")
			case "github.com/cockroachdb/pebble/v2":
				v["Pebble"] = strings.TrimPrefix(d.Version, "v")
			}
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v["Eventim"] = s.Value[:min(12, len(s.Value))]
			}
		}
	}
	out, err := exec.Command("java", "-version").CombinedOutput() //nolint:noctx // instant
	if first, _, _ := strings.Cut(string(out), "\n"); err == nil {
		v["Java"] = strings.TrimSpace(first)
	}
	return v
}

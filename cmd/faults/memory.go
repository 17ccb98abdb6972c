package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/eventim-go/eventim/cmd/faults/report"
)

const sampleInterval = 5 * time.Second

// sampleMemory notes how much memory each process has, until ctx ends.
func (i *installation) sampleMemory(ctx context.Context, note func(report.Sample)) {
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			note(i.memory())
		case <-ctx.Done():
			return
		}
	}
}

func (i *installation) memory() report.Sample {
	s := report.Sample{Bytes: map[string]int64{}}
	for _, p := range i.processes() {
		if !p.Running() {
			continue
		}
		if resident, err := residentBytes(p.ID()); err == nil && resident > 0 {
			s.Bytes[p.Name] = resident
		}
	}
	return s
}

// residentBytes reads the second field of /proc/<pid>/statm.
func residentBytes(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err // it has just ended
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/%d/statm is %q", pid, data)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

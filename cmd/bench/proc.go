package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticks is USER_HZ, which is 100 on every Linux that Go runs on.
const ticks = 100

// cpuOf returns the seconds of a core that a process has used, with those of
// its children that have ended.
func cpuOf(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name, which may hold blanks, is in parentheses. utime is field 14.
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, rest)
	}
	return (user + system) / ticks, nil
}

// peakOf returns the peak of the resident memory of a process, in bytes.
func peakOf(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(data), "VmHWM:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}

// busyCPU returns the seconds of a core that the machine has been busy.
func busyCPU() (float64, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 {
		return 0, fmt.Errorf("/proc/stat: %q", line)
	}
	var busy float64
	for i, f := range fields[1:9] { // user nice system idle iowait irq softirq steal
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		if i != 3 && i != 4 {
			busy += n
		}
	}
	return busy / ticks, nil
}

// cpuOfFamily returns the seconds of a core that a process and its children have
// used, those that have ended included.
func cpuOfFamily(parent int) (sum float64, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, name := range stats {
		data, err := os.ReadFile(name) //nolint:gosec // the kernel's
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest)
		last := 13 // utime and stime
		if name == fmt.Sprintf("/proc/%d/stat", parent) {
			last = 15 // and those of children that have ended
		} else if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		for _, field := range fields[11:last] {
			n, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %q", name, rest)
			}
			sum += n / ticks
		}
	}
	return sum, nil
}

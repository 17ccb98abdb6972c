// Package report is what runs of the nemesis found: kept as JSON, and shown as
// tables and a plot.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Report is one run: one installation, through all of its rounds.
type Report struct {
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Session float64   `json:"sessionTimeoutSeconds"`
	Rounds  []Round   `json:"rounds"`
	Failure string    `json:"failure,omitempty"` // what ended the run, when it was not its time
	Memory  []Sample  `json:"memory"`
}

// Round is some faults by one seed, and a judgement.
type Round struct {
	Seed       uint64  `json:"seed"`
	Faults     []Fault `json:"faults"`
	Judged     bool    `json:"judged"`
	Commands   int     `json:"commands"` // in all rounds so far
	Violations int     `json:"violations"`
}

// Fault is one that happened, and was overcome.
type Fault struct {
	Name     string  `json:"name"`
	What     string  `json:"what"`
	At       float64 `json:"atSeconds"`       // since the beginning of the run
	Seconds  float64 `json:"seconds"`         // until everything was well again
	Recovery float64 `json:"recoverySeconds"` // from healing to the next 20 results
	Gaps     []Gap   `json:"gaps,omitempty"`
}

// Gap is the longest time in which a partition of a handler that was struck
// answered nothing.
type Gap struct {
	Handler   string  `json:"handler"`
	Partition int32   `json:"partition"`
	Seconds   float64 `json:"seconds"`
}

// Sample is the resident memory of the processes at one time.
type Sample struct {
	At    float64          `json:"atSeconds"`
	Bytes map[string]int64 `json:"bytes"` // by process
}

// Write writes the report into a file, in place of an older one.
func (r *Report) Write(path string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	draft := path + ".new"
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(draft, data, 0o600)); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return os.Rename(draft, path)
}

// Read reads a report.
func Read(path string) (*Report, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the caller's file
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

// Reports are several runs, in order of time.
type Reports []*Report

// ReadAll reads reports.
func ReadAll(paths []string) (Reports, error) {
	var all Reports
	for _, path := range paths {
		r, err := Read(path)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Report) int { return a.Began.Compare(b.Began) })
	return all, nil
}

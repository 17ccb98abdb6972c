package main

import (
	"os"
	"strings"
	"sync"
	"time"

	"github.com/eventim-go/eventim/cmd/faults/report"
	"github.com/eventim-go/eventim/internal/verify"
)

// recorder keeps the report of a run. Its methods are safe for concurrent use.
type recorder struct {
	path string // "": it is not written

	mu     sync.Mutex
	report report.Report
}

func newRecorder(path string) *recorder {
	return &recorder{path: path, report: report.Report{Began: time.Now().UTC(), Session: sessionTimeout.Seconds()}}
}

func (r *recorder) since() float64 { return time.Since(r.report.Began).Seconds() }

// round begins a round.
func (r *recorder) round(seed uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Rounds = append(r.report.Rounds, report.Round{Seed: seed})
}

func (r *recorder) last() *report.Round { return &r.report.Rounds[len(r.report.Rounds)-1] }

// fault notes a fault that is over.
func (r *recorder) fault(begun time.Time, f report.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.At = begun.Sub(r.report.Began).Seconds()
	r.last().Faults = append(r.last().Faults, f)
}

// judgement ends a round.
func (r *recorder) judgement(j *verify.Report) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	round := r.last()
	round.Judged, round.Commands, round.Violations = true, j.Kafka.Commands, len(j.Violations())
	return r.write()
}

func (r *recorder) sample(s report.Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.At = r.since()
	r.report.Memory = append(r.report.Memory, s)
}

// end ends the run.
func (r *recorder) end(failure error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if failure != nil {
		r.report.Failure, _, _ = strings.Cut(failure.Error(), "\n")
	}
	return r.write()
}

func (r *recorder) write() error {
	r.report.Seconds = r.since()
	if r.path == "" {
		return nil
	}
	return r.report.Write(r.path)
}

// seed is that of the present round.
func (r *recorder) seed() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.report.Rounds) == 0 {
		return 0
	}
	return r.last().Seed
}

// verdict is the tables of the run, and its last line.
func (r *recorder) verdict() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := report.Reports{&r.report}
	for _, t := range all.Tables() {
		_ = t.WriteText(os.Stdout) // what cannot be shown is in the file
	}
	return "\n" + r.report.Verdict()
}

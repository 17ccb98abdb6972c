// Package report holds the results of a benchmark: their JSON form, their
// medians, and the table, the plots and the page that are made from them.
package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
)

// Phase is what was measured.
type Phase string

// The phases of a benchmark.
const (
	Closed  Phase = "closed"  // a fixed number of commands are on their way at any time
	Open    Phase = "open"    // commands are sent at a fixed rate, whatever comes back
	Backlog Phase = "backlog" // all commands are there before the contender starts
	Restart Phase = "restart" // kill -9 under load, and start again at once
	Restore Phase = "restore" // start without the data directory
)

// Results are everything that one benchmark found out.
type Results struct {
	Taken      time.Time         `json:"taken"`
	Command    string            `json:"command"`
	Machine    Machine           `json:"machine"`
	Versions   map[string]string `json:"versions"`
	Settings   Settings          `json:"settings"`
	Contenders []Contender       `json:"contenders"`
	Failures   []Failure         `json:"failures,omitempty"`
	Runs       []Run             `json:"runs"`
}

// Machine is where the benchmark ran.
type Machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memoryGiB"`
	Kernel string  `json:"kernel"`
	Disk   string  `json:"disk"` // file system of the data directories
}

// Settings are what the load was made of.
type Settings struct {
	Rounds     int     `json:"rounds"`
	WarmUp     float64 `json:"warmUpSeconds"`  // of a program that has just started; a quarter of it later
	Measured   float64 `json:"measureSeconds"` // of each measurement under load
	Window     int     `json:"window"`         // commands on their way in the closed loop
	Keys       int     `json:"keys"`           // aggregates of the load
	Backlog    int     `json:"backlog"`        // commands
	Aggregates int     `json:"aggregates"`     // of the restart
	Session    float64 `json:"sessionTimeoutSeconds"`
}

// Contender is a program that handles the commands.
type Contender struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Note  string `json:"note"` // what it does and does not do
}

// Failure is a turn of a contender that ended before everything was measured,
// or with wrong results.
type Failure struct {
	Round      int    `json:"round"`
	Contender  string `json:"contender"`
	Partitions int32  `json:"partitions"`
	Error      string `json:"error"`
}

// Run is one measurement of one contender. CPU times are seconds of a core.
type Run struct {
	Round      int     `json:"round"`
	Contender  string  `json:"contender"`
	Partitions int32   `json:"partitions"`
	Phase      Phase   `json:"phase"`
	Rate       int     `json:"rate,omitempty"` // intended commands/s of an open loop
	Seconds    float64 `json:"seconds"`
	Commands   int64   `json:"commands"` // answered in that time
	PerSecond  float64 `json:"perSecond,omitempty"`

	Latency *Latency `json:"latency,omitempty"` // of an open loop

	CPU          float64 `json:"cpu"`                 // of the contender
	Allocated    int64   `json:"allocated,omitempty"` // bytes on its heap
	Resident     int64   `json:"resident,omitempty"`  // its peak so far, in bytes
	BrokerCPU    float64 `json:"brokerCPU"`
	GeneratorCPU float64 `json:"generatorCPU"` // of the load generator and measurer
	OtherCPU     float64 `json:"otherCPU"`     // of everything else on the machine

	FirstResult   float64 `json:"firstResultSeconds,omitempty"`   // of a restart: until a command sent after the kill is answered
	AllPartitions float64 `json:"allPartitionsSeconds,omitempty"` // of a restart: until each partition has answered one
	Running       float64 `json:"runningSeconds,omitempty"`       // of a restore: until all partitions run

	Repeated    int64 `json:"repeated,omitempty"`    // results for a command that had one already
	Checked     int   `json:"checked,omitempty"`     // aggregates whose state was compared with the fold of their commands
	WrongStates int   `json:"wrongStates,omitempty"` // those that differed; only without exactly-once
}

// Latency is a distribution of milliseconds from when a command was to be sent
// until its result was read.
type Latency struct {
	Mean        float64      `json:"mean"`
	P50         float64      `json:"p50"`
	P99         float64      `json:"p99"`
	P999        float64      `json:"p99.9"`
	Max         float64      `json:"max"`
	Percentiles [][2]float64 `json:"percentiles"` // percentile, milliseconds
}

// Read reads results from a file.
func Read(path string) (Results, error) {
	var r Results
	data, err := os.ReadFile(path) //nolint:gosec // the caller's file
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

// Join returns what several benchmarks found out, each of which measured phases
// of its own: all takes hours, and can be taken in pieces. Contenders are held
// against each other within a phase, which therefore has to be of one piece.
// All pieces have to be of one machine, with the same versions and settings.
func Join(pieces []Results) (Results, error) {
	var all Results
	for i, piece := range pieces {
		if i == 0 {
			all = piece
			continue
		}
		if err := all.add(piece); err != nil {
			return Results{}, err
		}
	}
	return all, nil
}

func (r *Results) add(piece Results) error {
	if piece.Machine != r.Machine || piece.Settings != r.Settings || !maps.Equal(piece.Versions, r.Versions) {
		return fmt.Errorf("%q was measured on another machine, or with other versions or settings, than %q", piece.Command, r.Command)
	}
	for _, run := range piece.Runs {
		if slices.ContainsFunc(r.Runs, func(other Run) bool { return other.Phase == run.Phase }) {
			return fmt.Errorf("%q measured the phase %s again", piece.Command, run.Phase)
		}
	}
	for _, c := range piece.Contenders {
		if !slices.Contains(r.Contenders, c) {
			r.Contenders = append(slices.Clip(r.Contenders), c)
		}
	}
	r.Command += " && " + piece.Command
	r.Failures = slices.Concat(r.Failures, piece.Failures)
	r.Runs = slices.Concat(r.Runs, piece.Runs)
	return nil
}

// Write writes the results to a file, a line for each run.
func (r Results) Write(path string) error {
	runs := r.Runs
	r.Runs = []Run{}
	head, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	const empty = "[]\n}" // the runs are the last field
	data := append(head[:len(head)-len(empty)], '[')
	for i, run := range runs {
		line, err := json.Marshal(run)
		if err != nil {
			return err
		}
		if i > 0 {
			data = append(data, ',')
		}
		data = append(append(data, "\n    "...), line...)
	}
	return os.WriteFile(path, append(data, "\n  ]\n}\n"...), 0o644) //nolint:gosec // a document
}

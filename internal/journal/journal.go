// Package journal is what a client of the invoicing product writes down about
// what it was told, so that it can be compared with what is there.
package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Kind is what an entry is about.
type Kind string

// The kinds of entries.
const (
	Sent         Kind = "sent"         // a command was sent for the first time
	Acknowledged Kind = "acknowledged" // it is in Kafka, at Position
	Answered     Kind = "answered"     // HTTP told the result
	Delivered    Kind = "delivered"    // the websocket told the result
	Read         Kind = "read"         // an invoice was read, at Version, and Wanted had to be in it
	Connected    Kind = "connected"    // a websocket was opened
	Resumed      Kind = "resumed"      // the same, and it told all that was missed
	Refused      Kind = "refused"      // the same, but it could not tell what was missed
)

// Entry is one thing that a client was told, or did.
type Entry struct {
	Kind     Kind      `json:"kind"`
	Time     time.Time `json:"time"`
	Node     int       `json:"node"` // of the web nodes, from 0
	Command  string    `json:"command,omitempty"`
	Invoice  string    `json:"invoice,omitempty"`
	Type     string    `json:"type,omitempty"`
	Position string    `json:"position,omitempty"` // of the command
	Outcome  string    `json:"outcome,omitempty"`
	Version  int64     `json:"version,omitempty"`
	Wanted   int64     `json:"wanted,omitempty"`
	Code     string    `json:"code,omitempty"`
}

// Journal is that of the client with this origin. It is safe for concurrent
// use.
type Journal struct {
	Origin string

	mu      sync.Mutex
	entries []Entry
	count   map[Kind]int
}

// Add adds an entry and gives it the time.
func (j *Journal) Add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Time = time.Now()
	j.entries = append(j.entries, e)
	if j.count == nil {
		j.count = map[Kind]int{}
	}
	j.count[e.Kind]++
}

// Count returns how many entries of a kind have been added.
func (j *Journal) Count(k Kind) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count[k]
}

// Entries returns a copy of the entries so far.
func (j *Journal) Entries() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}

// Of returns a journal with these entries.
func Of(origin string, entries []Entry) *Journal { return &Journal{Origin: origin, entries: entries} }

// AcknowledgedIn returns the ids of all commands that journals say are in Kafka.
func AcknowledgedIn(journals []*Journal) []string {
	var ids []string
	seen := map[string]bool{}
	for _, j := range journals {
		for _, e := range j.Entries() {
			if e.Kind == Acknowledged && !seen[e.Command] {
				seen[e.Command] = true
				ids = append(ids, e.Command)
			}
		}
	}
	return ids
}

const extension = ".journal"

// Write writes the journal as a file of JSON lines into dir.
func (j *Journal) Write(dir string) (err error) {
	file, err := os.Create(filepath.Join(dir, j.Origin+extension)) //nolint:gosec // a client names itself by a UUID
	if err != nil {
		return fmt.Errorf("write a journal: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriter(file)
	lines := json.NewEncoder(w)
	for _, e := range j.Entries() {
		if err := lines.Encode(e); err != nil {
			return fmt.Errorf("write a journal: %w", err)
		}
	}
	return w.Flush()
}

// ReadDir reads all journals of dir.
func ReadDir(dir string) ([]*Journal, error) {
	names, err := fs.Glob(os.DirFS(dir), "*"+extension)
	if err != nil {
		return nil, err
	}
	var journals []*Journal
	for _, name := range names {
		j, err := read(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("read journal %s: %w", name, err)
		}
		journals = append(journals, j)
	}
	return journals, nil
}

func read(path string) (*Journal, error) {
	file, err := os.Open(path) //nolint:gosec // the caller's directory
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	base := filepath.Base(path)
	j := &Journal{Origin: base[:len(base)-len(extension)]}
	for lines := json.NewDecoder(bufio.NewReader(file)); lines.More(); {
		var e Entry
		if err := lines.Decode(&e); err != nil {
			return nil, err
		}
		j.entries = append(j.entries, e)
	}
	return j, nil
}

package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/eventim-go/eventim/internal/checker"
)

// judge holds what the rules share. Histories that are broken are the matter
// of package checker, and only compared here as far as they go.
type judge struct {
	*Evidence
	report *Report

	histories map[string][]*checker.Record
	commands  map[string]*checker.Record     // by position
	results   map[string]*checker.Record     // by the position of the command
	firsts    map[commandKey]*checker.Record // the first answers
	reused    map[commandKey]*checker.Record // the answers to commands whose id was that of another
}

// commandKey identifies a command: its id belongs to its invoice.
type commandKey struct{ invoice, id string }

func (k commandKey) String() string { return k.id + " of " + k.invoice }

func (j *judge) index() {
	j.histories, j.commands = map[string][]*checker.Record{}, map[string]*checker.Record{}
	j.results = map[string]*checker.Record{}
	j.firsts, j.reused = map[commandKey]*checker.Record{}, map[commandKey]*checker.Record{}
	each(&j.Log.Events, func(r *checker.Record) { j.histories[string(r.Key)] = append(j.histories[string(r.Key)], r) })
	each(&j.Log.Commands, func(r *checker.Record) { j.commands[position(r.Partition, r.Offset)] = r })
	each(&j.Log.Results, func(r *checker.Record) {
		j.results[cause(r)] = r
		o, command := outcomeOf(r), commandKey{string(r.Key), header(r, "ce_commandid")}
		switch {
		case o.Outcome == "failed" && o.Code == "wrong_partition", header(r, "ce_fornow") != "": // it takes up no id
		case header(r, "ce_replay") == "" && j.firsts[command] == nil:
			j.firsts[command] = r
		case o.Code == "command_id_reused":
			j.reused[command] = r
		}
	})
}

func each(t *checker.Topic, fn func(*checker.Record)) {
	for p := range t.Partitions {
		for i := range t.Partitions[p].Visible {
			fn(&t.Partitions[p].Visible[i])
		}
	}
}

func header(r *checker.Record, name string) string {
	i := slices.IndexFunc(r.Headers, func(h checker.Header) bool { return h.Name == name })
	if i < 0 {
		return ""
	}
	return string(r.Headers[i].Value)
}

func number(r *checker.Record, name string) int64 {
	n, err := strconv.ParseInt(header(r, name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func position(partition int32, offset int64) string { return fmt.Sprintf("%d:%d", partition, offset) }

// cause is the position of the command that caused a record.
func cause(r *checker.Record) string { return position(r.Partition, number(r, "ce_commandoffset")) }

// outcome is what a result says.
type outcome struct {
	Outcome  string         `json:"outcome"`
	Version  int64          `json:"version"`
	Code     string         `json:"code"`
	Events   []outcomeEvent `json:"events"`
	Snapshot *outcomeEvent  `json:"snapshot"`
}

type outcomeEvent struct {
	Type    string          `json:"type,omitempty"`
	Version int64           `json:"version"`
	Data    json.RawMessage `json:"data"`
}

func outcomeOf(r *checker.Record) (o outcome) {
	_ = json.Unmarshal(r.Value, &o) // package checker has said so
	return o
}

// same compares JSON, however it is written.
func same(a, b []byte) bool {
	canonicalA, err1 := canonical(a)
	canonicalB, err2 := canonical(b)
	return err1 == nil && err2 == nil && bytes.Equal(canonicalA, canonicalB)
}

func canonical(data []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

package checker

import (
	"bytes"
	"encoding/json"
)

// deadLetters judges that each failed command is kept as it was, once, and
// that nothing else is.
func (j *judge) deadLetters() {
	seen := map[position]*Record{}
	var notes []*Record
	each(&j.log.DeadLetters, func(_ int, r *Record) {
		if r.header("deadletter-id") != "" && r.header("deadletter-topic") == "" {
			notes = append(notes, r)
			return
		}
		j.report.DeadLetters++
		pos, cmd, known := j.cause(r)
		if twice := seen[pos]; twice != nil {
			j.violate(DeadLetterKept, r.where(), "the command at %d:%d is there before, at %s", pos.partition, pos.offset, twice.where())
		}
		seen[pos] = r
		if j.failed[pos] == nil && !j.unanswerable(pos) {
			j.violate(DeadLetterKept, r.where(), "the command at %d:%d did not fail", pos.partition, pos.offset)
		}
		if known {
			j.deadLetter(r, cmd)
		}
	})
	j.deadLetterNotes(notes, seen)
	for pos, result := range j.failed {
		letter := seen[pos]
		if letter == nil {
			j.violate(DeadLetterKept, result.where(), "the failed command at %d:%d is not a dead letter", pos.partition, pos.offset)
			continue
		}
		var v resultValue
		if err := json.Unmarshal(result.Value, &v); err == nil && v.Code != letter.header("deadletter-code") {
			j.violate(DeadLetterKept, letter.where(), "the code is %q, that of the result %q", letter.header("deadletter-code"), v.Code)
		}
	}
}

// deadLetterNotes judges that whoever has put on record what became of a dead letter
// meant one that is there, or was before the topic begins.
func (j *judge) deadLetterNotes(notes []*Record, seen map[position]*Record) {
	known := map[string]bool{}
	for pos := range seen {
		known[Record{Topic: j.log.Commands.Name, Partition: pos.partition, Offset: pos.offset}.where()] = true
	}
	for _, n := range notes {
		if id := n.header("deadletter-id"); !known[id] && j.log.DeadLetters.Partitions[n.Partition].Start == 0 {
			j.violate(DeadLetterKept, n.where(), "it says what became of %s, which is no dead letter", id)
		}
	}
}

// deadLetter compares a dead letter with its command. What did not fit is left
// out, and that is said.
func (j *judge) deadLetter(r, cmd *Record) {
	if r.header("deadletter-topic") != cmd.Topic || r.count("deadletter-partition") != int64(cmd.Partition) ||
		r.count("deadletter-offset") != cmd.Offset || r.header("deadletter-reason") == "" {
		j.violate(DeadLetterKept, r.where(), "it does not say where it is from, %s, and why", cmd.where())
	}
	if r.header("deadletter-truncated") != "" {
		return
	}
	if !bytes.Equal(r.Key, cmd.Key) || !bytes.Equal(r.Value, cmd.Value) || (r.Value == nil) != (cmd.Value == nil) {
		j.violate(DeadLetterKept, r.where(), "its key or value is not that of the command")
	}
	for i, h := range cmd.Headers {
		if i >= len(r.Headers) || r.Headers[i].Name != h.Name || !bytes.Equal(r.Headers[i].Value, h.Value) {
			j.violate(DeadLetterKept, r.where(), "header %s of the command is missing", h.Name)
		}
	}
}

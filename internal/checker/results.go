package checker

import (
	"bytes"
	"encoding/json"
)

// resultValue is the value of a result.
type resultValue struct {
	Outcome  string        `json:"outcome"`
	Version  int64         `json:"version"`
	Code     string        `json:"code"`
	Events   []resultEvent `json:"events"`
	Snapshot *resultEvent  `json:"snapshot"`
}

// resultEvent is an event or a snapshot in a result.
type resultEvent struct {
	Type          string          `json:"type"`
	SchemaVersion int64           `json:"schemaVersion"`
	Version       int64           `json:"version"`
	Revision      int64           `json:"revision"`
	Command       string          `json:"command"`
	CommandOffset int64           `json:"commandOffset"`
	Data          json.RawMessage `json:"data"`
}

// results judges each answer against its command, the history before it, and
// the events that it says it caused.
func (j *judge) results() {
	j.newestRevision()
	last := map[int32]int64{}
	each(&j.log.Results, func(_ int, r *Record) {
		pos, cmd, known := j.cause(r)
		if pos.offset < 0 {
			return
		}
		if before, ok := last[r.Partition]; ok && pos.offset < before {
			j.violate(OneAnswer, r.where(), "the answer to the command at %d comes after that to %d", pos.offset, before)
		}
		last[r.Partition] = pos.offset
		if twice := j.answered[pos]; twice != nil {
			j.violate(OneAnswer, r.where(), "the command at %d:%d was answered before, at %s", pos.partition, pos.offset, twice.where())
			return
		}
		j.answered[pos] = r
		if known && !j.standsFor(r, cmd) {
			return
		}
		var v resultValue
		if err := json.Unmarshal(r.Value, &v); err != nil {
			j.violate(Readable, r.where(), "the result: %v", err)
			return
		}
		if r.header("ce_replay") != "" {
			j.repeat(r, pos, cmd, v)
			return
		}
		j.first(r, pos, cmd, v)
	})
}

// standsFor tells whether a result names the command that it stands for. A
// command that failed may be answered under its position.
func (j *judge) standsFor(r, cmd *Record) bool {
	id := r.header("ce_commandid")
	if id != cmd.commandID() && id != cmd.where() {
		j.violate(KnownCause, r.where(), "the result is for %q, but the command is %q", id, cmd.commandID())
		return false
	}
	return true
}

// first judges the first answer to a command id.
func (j *judge) first(r *Record, pos position, cmd *Record, v resultValue) {
	key := r.Key
	if cmd != nil { // a failed result leaves out a key that does not fit
		key = cmd.Key
	}
	home := aggregate{r.Partition, string(key)}
	id := answerID{home, r.header("ce_commandid")}
	j.known[id.command] = true
	if len(key) > 0 && v.Code != "wrong_partition" && r.header("ce_fornow") == "" { // such commands take up no id
		if earlier := j.firsts[id]; earlier != nil && !j.forgotten(earlier, cmd) {
			j.violate(OneEffect, r.where(), "command id %s was answered before, at %s, and this is not marked as a repeat", id.command, earlier.where())
		}
		j.firsts[id] = r
	}
	h := j.histories[home]
	before := h.before(pos.offset)
	switch v.Outcome {
	case "accepted":
		j.report.Accepted++
		j.accepted(r, pos, cmd, v, h, before)
		return
	case "rejected":
		j.report.Rejected++
		if e := expected(cmd); v.Code == "version_conflict" && e == before {
			j.violate(ExpectedVersion, r.where(), "the command expected version %d, which it was, and was rejected", e)
		}
	case "failed":
		j.report.Failed++
		j.failed[pos] = r
	default:
		j.violate(Readable, r.where(), "the outcome is %q", v.Outcome)
	}
	if n := len(j.caused[pos]); n > 0 || len(v.Events) > 0 {
		j.violate(Atomic, r.where(), "a command that was %s has %d events", v.Outcome, max(n, len(v.Events)))
	}
	if v.Version != before {
		j.violate(NoGap, r.where(), "the result says version %d, the aggregate was at %d", v.Version, before)
	}
}

// forgotten tells whether a command came so late that its id was free again.
func (j *judge) forgotten(first, cmd *Record) bool {
	return cmd == nil || cmd.Time.Sub(first.Time) > j.o.Deduplication
}

// expected is the version that a command expects, -1 for any.
func expected(cmd *Record) int64 {
	if cmd == nil || cmd.header("ce_expectedversion") == "" {
		return -1
	}
	return cmd.count("ce_expectedversion")
}

func (j *judge) accepted(r *Record, pos position, cmd *Record, v resultValue, h *history, before int64) {
	j.placed(&j.log.Results, r)
	if cmd != nil && !bytes.Equal(r.Key, cmd.Key) {
		j.violate(KnownCause, r.where(), "the key is %q, that of the command %q", r.Key, cmd.Key)
	}
	if e := expected(cmd); e >= 0 && e != before {
		j.violate(ExpectedVersion, r.where(), "the command expected version %d, the aggregate was at %d, and it was accepted", e, before)
	}
	if v.Version != before+int64(len(v.Events)) || r.count("ce_version") != v.Version {
		j.violate(NoGap, r.where(), "the result says version %d (header %d) after %d events on version %d",
			v.Version, r.count("ce_version"), len(v.Events), before)
	}
	j.sameEvents(r, v.Events, j.caused[pos])
	if v.Snapshot == nil || v.Snapshot.Version != v.Version {
		j.violate(Atomic, r.where(), "the result has no snapshot of version %d", v.Version)
		return
	}
	if v.Snapshot.Revision == j.revision {
		j.sameState(r.where(), h, v.Version, v.Snapshot.Data)
	}
}

// sameEvents compares the events in a result with those in the history.
func (j *judge) sameEvents(r *Record, said []resultEvent, found []*Record) {
	if len(said) != len(found) {
		j.violate(Atomic, r.where(), "the result has %d events, the history has %d of them", len(said), len(found))
		return
	}
	for i, e := range said {
		f := found[i]
		same := e.Type == f.header("ce_type") && e.SchemaVersion == f.count("ce_schemaversion") &&
			e.Version == f.count("ce_version") && bytes.Equal(r.Key, f.Key)
		a, err1 := digestOfJSON(e.Data)
		b, err2 := digestOfJSON(f.Value)
		if !same || a != b || err1 != nil || err2 != nil {
			j.violate(Atomic, r.where(), "event %d of the result is not the one at %s", i+1, f.where())
		}
	}
}

// repeat judges the answer to a command id that has been answered before.
func (j *judge) repeat(r *Record, pos position, cmd *Record, v resultValue) {
	j.report.Repeated++
	if n := len(j.caused[pos]); n > 0 {
		j.violate(OneEffect, r.where(), "a repeat has %d events", n)
	}
	id := r.header("ce_commandid")
	first := j.firsts[answerID{aggregate{r.Partition, string(r.Key)}, id}]
	if first == nil {
		if j.log.Results.Partitions[r.Partition].Start == 0 {
			j.violate(SameAnswer, r.where(), "command id %s was not answered before", id)
		}
		return
	}
	original := j.commandAt[position{first.Partition, first.count("ce_commandoffset")}]
	same := cmd == nil || original == nil || sameCommand(cmd, original)
	refused := v.Outcome == "rejected" && v.Code == "result_too_large" // the first answer does not fit any more
	switch reused := v.Outcome == "rejected" && v.Code == "command_id_reused"; {
	case bytes.Equal(r.Value, first.Value):
		if cmd != nil && original != nil && !same {
			j.violate(SameAnswer, r.where(), "another command with the id %s got the answer of the first", id)
		}
	case !reused && !refused:
		j.violate(SameAnswer, r.where(), "the answer differs from the first, at %s", first.where())
	case reused && cmd != nil && original != nil && same:
		j.violate(SameAnswer, r.where(), "the same command as the first is called another one")
	}
}

func sameCommand(a, b *Record) bool {
	for _, name := range []string{"ce_type", "ce_schemaversion", "ce_expectedversion"} {
		if a.header(name) != b.header(name) {
			return false
		}
	}
	return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
}

// answers judges that each command below the committed offset is answered, and
// none above, and that nothing happened without a result.
func (j *judge) answers() {
	for p := range j.log.Commands.Partitions {
		j.partitionAnswers(int32(p), &j.log.Commands.Partitions[p])
	}
	for pos, events := range j.caused {
		if j.answered[pos] == nil && !j.unanswerable(pos) {
			j.violate(Atomic, events[0].where(), "the event has no result: the command at %d:%d", pos.partition, pos.offset)
		}
	}
}

func (j *judge) partitionAnswers(number int32, p *Partition) {
	committed := j.log.Committed[number]
	end := int64(0)
	for i := range p.Visible {
		cmd := &p.Visible[i]
		pos := position{number, cmd.Offset}
		end = cmd.Offset + 1
		switch answered := j.answered[pos] != nil; {
		case answered && cmd.Offset >= committed:
			j.violate(OffsetExact, cmd.where(), "the command is answered, but the committed offset is %d", committed)
		case answered:
		case j.unanswerable(pos):
			j.report.Unanswerable++
		case cmd.Offset < committed:
			j.violate(OneAnswer, cmd.where(), "command %s has no answer", cmd.commandID())
		default:
			j.violate(Settled, cmd.where(), "command %s is not handled: the committed offset is %d", cmd.commandID(), committed)
		}
	}
	if committed > end && len(p.Visible) > 0 {
		j.violate(OffsetExact, p.Visible[len(p.Visible)-1].where(), "it is the last command, but the committed offset is %d", committed)
	}
}

// unanswerable tells whether retention may have removed the answer: it is older
// than the oldest that is there.
func (j *judge) unanswerable(pos position) bool {
	p := j.log.Results.Partitions[pos.partition]
	return p.Start > 0 && (len(p.Visible) == 0 || pos.offset < p.Visible[0].count("ce_commandoffset"))
}

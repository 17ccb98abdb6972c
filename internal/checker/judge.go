package checker

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// position is a place in the commands topic.
type position struct {
	partition int32
	offset    int64
}

// aggregate is what the events say about an aggregate. It is known by its
// partition too, so that one with histories in two of them is found out.
type aggregate struct {
	partition int32
	id        string
}

type history struct {
	offsets []int64             // of the commands that caused the events, by version-1
	digests [][sha256.Size]byte // of the states, by version-1; of revision revision
	state   any
	broken  bool   // its states cannot be known
	command string // id of the last one
}

// before returns the version that the aggregate had before the command at
// offset.
func (h *history) before(offset int64) int64 {
	if h == nil {
		return 0
	}
	n, _ := slices.BinarySearch(h.offsets, offset)
	return int64(n)
}

// answerID is a command id and its scope: it belongs to its aggregate, whatever
// other aggregates have under it.
type answerID struct {
	aggregate
	command string
}

// judge holds what the rules share.
type judge struct {
	log    *Log
	o      Options
	report *Report

	commandAt map[position]*Record
	histories map[aggregate]*history
	caused    map[position][]*Record // events, by command
	answered  map[position]*Record   // results, by command
	firsts    map[answerID]*Record   // the last first answer
	failed    map[position]*Record   // first answers of failed commands
	sent      map[string]bool        // ids that are in the commands
	known     map[string]bool        // ids that have an answer
	revision  int64                  // the newest of the snapshots
}

func newJudge(log *Log, o Options) *judge {
	o.Deduplication = cmp.Or(o.Deduplication, 24*time.Hour)
	return &judge{
		log: log, o: o, report: &Report{Aggregate: o.Aggregate},
		commandAt: map[position]*Record{}, histories: map[aggregate]*history{},
		caused: map[position][]*Record{}, answered: map[position]*Record{}, firsts: map[answerID]*Record{},
		failed: map[position]*Record{}, sent: map[string]bool{}, known: map[string]bool{},
	}
}

func (j *judge) violate(rule Rule, where, format string, args ...any) {
	j.report.Violations = append(j.report.Violations, Violation{rule, where, fmt.Sprintf(format, args...)})
}

// each calls fn with the visible records of a topic, in the order of the log.
func each(t *Topic, fn func(i int, r *Record)) {
	for p := range t.Partitions {
		for i := range t.Partitions[p].Visible {
			fn(i, &t.Partitions[p].Visible[i])
		}
	}
}

// cause returns the command of a record, or nil after a violation; known is
// false when the command may have been removed by retention.
func (j *judge) cause(r *Record) (pos position, cmd *Record, known bool) {
	pos = position{r.Partition, r.count("ce_commandoffset")}
	if pos.offset < 0 {
		j.violate(Readable, r.where(), "header ce_commandoffset is %q", r.header("ce_commandoffset"))
		return pos, nil, false
	}
	if cmd = j.commandAt[pos]; cmd != nil {
		return pos, cmd, true
	}
	if pos.offset >= j.log.Commands.Partitions[r.Partition].Start {
		j.violate(KnownCause, r.where(), "there is no command at %d:%d", pos.partition, pos.offset)
	}
	return pos, nil, false
}

func (j *judge) commands() {
	each(&j.log.Commands, func(_ int, r *Record) {
		j.report.Commands++
		j.commandAt[position{r.Partition, r.Offset}] = r
		j.sent[r.commandID()] = true
	})
}

func (j *judge) acknowledged() {
	j.report.Acknowledged = len(j.o.Acknowledged)
	forgets := func(t *Topic) bool {
		return slices.ContainsFunc(t.Partitions, func(p Partition) bool { return p.Start > 0 })
	}
	for _, id := range j.o.Acknowledged {
		switch {
		case j.known[id]:
		case !j.sent[id] && !forgets(&j.log.Commands):
			j.violate(CommandKept, id, "the command is not in the log")
		case j.sent[id] && !forgets(&j.log.Results):
			j.violate(OneAnswer, id, "the acknowledged command has no answer")
		}
	}
}

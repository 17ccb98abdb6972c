package checker

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// events folds the history: each aggregate has the versions 1, 2, 3 … in its
// partition, and the events of a command stand together.
func (j *judge) events() {
	last := map[position]int{}
	each(&j.log.Events, func(i int, r *Record) {
		j.report.Events++
		pos, cmd, known := j.cause(r)
		if known && (cmd.commandID() != r.header("ce_commandid") || !bytes.Equal(cmd.Key, r.Key)) {
			j.violate(KnownCause, r.where(), "the event of %q says it is caused by %q, but that command is %q for %q",
				r.Key, r.header("ce_commandid"), cmd.commandID(), cmd.Key)
		}
		if before, ok := last[pos]; ok && before != i-1 {
			j.violate(Atomic, r.where(), "the events of command %d:%d do not stand together", pos.partition, pos.offset)
		}
		last[pos] = i
		j.caused[pos] = append(j.caused[pos], r)
		j.event(r, pos)
	})
	j.report.Aggregates = len(j.histories)
}

func (j *judge) event(r *Record, pos position) {
	j.placed(&j.log.Events, r)
	id := aggregate{r.Partition, string(r.Key)}
	h := j.histories[id]
	if h == nil {
		h = &history{}
		j.histories[id] = h
	}
	want := int64(len(h.offsets)) + 1
	if version := r.count("ce_version"); version != want {
		j.violate(NoGap, r.where(), "version %d of %s follows version %d", version, id.id, want-1)
		h.broken = true
	}
	if n := len(h.offsets); n > 0 && h.offsets[n-1] > pos.offset {
		j.violate(NoGap, r.where(), "the command at %d comes after that at %d in the history of %s", pos.offset, h.offsets[n-1], id.id)
	}
	h.offsets, h.command = append(h.offsets, pos.offset), r.header("ce_commandid")
	h.fold(j, r)
}

func (h *history) fold(j *judge, r *Record) {
	if j.o.Fold == nil || h.broken {
		return
	}
	e := Event{r.header("ce_type"), int(r.count("ce_schemaversion")), r.Value}
	state, err := j.o.Fold(h.state, e)
	if err == nil {
		var digest [sha256.Size]byte
		if digest, err = digestOf(state); err == nil {
			h.state, h.digests = state, append(h.digests, digest)
			return
		}
	}
	j.violate(Readable, r.where(), "the event cannot be folded: %v", err)
	h.broken = true
}

// digestOf is the same for the same JSON, however it is written.
func digestOf(v any) ([sha256.Size]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	return digestOfJSON(data)
}

func digestOfJSON(data []byte) ([sha256.Size]byte, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("not JSON: %w", err)
	}
	canonical, err := json.Marshal(v) // maps come sorted
	return sha256.Sum256(canonical), err
}

// placed judges the partition of a record by the partitioner of Java clients.
func (j *judge) placed(t *Topic, r *Record) {
	if len(r.Key) == 0 {
		j.violate(OwnPartition, r.where(), "the record has no key")
		return
	}
	want := kgo.StickyKeyPartitioner(nil).ForTopic(r.Topic).Partition(&kgo.Record{Key: r.Key}, len(t.Partitions))
	if want != int(r.Partition) {
		j.violate(OwnPartition, r.where(), "the key %q belongs to partition %d", r.Key, want)
	}
}

// sameState compares a state with that of the fold at a version.
func (j *judge) sameState(where string, h *history, version int64, data []byte) {
	if j.o.Fold == nil || h == nil || h.broken || version < 1 || version > int64(len(h.digests)) {
		return
	}
	got, err := digestOfJSON(data)
	if err != nil {
		j.violate(Readable, where, "the state: %v", err)
		return
	}
	if got != h.digests[version-1] {
		j.violate(StateIsFold, where, "the state at version %d is %s%s", version, short(data), h.folded(version))
	}
}

// folded shows the state of the fold, where it is still known.
func (h *history) folded(version int64) string {
	if version != int64(len(h.digests)) {
		return ", which the fold is not"
	}
	data, _ := json.Marshal(h.state)
	return ", the fold is " + short(data)
}

func short(data []byte) string {
	if len(data) > 300 {
		return string(data[:300]) + "…"
	}
	return string(data)
}

package checker

import "slices"

// newestRevision finds the state revision that the fold is judged by: states
// that older code folded may differ.
func (j *judge) newestRevision() {
	each(&j.log.Snapshots, func(_ int, r *Record) {
		j.revision = max(j.revision, r.count("ce_staterevision"))
	})
}

// snapshots judges that the last snapshot of each aggregate is the fold of all
// its events, and that none went back.
func (j *judge) snapshots() {
	last := map[aggregate]*Record{}
	each(&j.log.Snapshots, func(_ int, r *Record) {
		j.report.Snapshots++
		j.placed(&j.log.Snapshots, r)
		id := aggregate{r.Partition, string(r.Key)}
		if before := last[id]; before != nil && before.count("ce_version") > r.count("ce_version") {
			j.violate(StateIsFold, r.where(), "version %d of %s follows version %d", r.count("ce_version"), id.id, before.count("ce_version"))
		}
		last[id] = r
	})
	for id, h := range j.histories {
		if r := last[id]; r == nil {
			j.violate(StateIsFold, id.id, "there is no snapshot, after %d events", len(h.offsets))
		} else {
			j.snapshot(r, h)
		}
	}
	for id, r := range last {
		if j.histories[id] == nil {
			j.violate(KnownCause, r.where(), "a snapshot of %s, which has no events", id.id)
		}
	}
}

func (j *judge) snapshot(r *Record, h *history) {
	n := int64(len(h.offsets))
	switch {
	case r.Value == nil:
		j.violate(StateIsFold, r.where(), "the state of %s was deleted, after %d events", r.Key, n)
	case r.count("ce_version") != n:
		j.violate(StateIsFold, r.where(), "the snapshot of %s is at version %d, its history at %d", r.Key, r.count("ce_version"), n)
	case r.header("ce_commandid") != h.command || r.count("ce_commandoffset") != h.offsets[n-1]:
		j.violate(StateIsFold, r.where(), "the snapshot says it is of command %s at %d, the last event is of %s at %d",
			r.header("ce_commandid"), r.count("ce_commandoffset"), h.command, h.offsets[n-1])
	case r.count("ce_staterevision") != j.revision:
		j.violate(StateIsFold, r.where(), "the snapshot is of state revision %d, others are of %d", r.count("ce_staterevision"), j.revision)
	default:
		j.sameState(r.where(), h, n, r.Value)
	}
}

// copyOf judges a copy of the states outside Kafka.
func (j *judge) copyOf(c Copy) {
	other := j
	if c.Fold != nil {
		other = newJudge(j.log, Options{Fold: c.Fold})
		other.commandAt = j.commandAt
		other.events()
		other.report = j.report
	}
	found := 0
	for id, h := range other.histories {
		if c.Partitions != nil && !slices.Contains(c.Partitions, id.partition) {
			continue
		}
		s, ok := c.States[id.id]
		where, n := c.Name+": "+id.id, int64(len(h.offsets))
		switch {
		case !ok && !c.Behind:
			j.violate(StateIsFold, where, "it is missing, after %d events", n)
			continue
		case !ok:
			continue
		case s.Version > n || s.Version < 1 || (s.Version < n && !c.Behind):
			j.violate(StateIsFold, where, "it is at version %d, the history at %d", s.Version, n)
		case s.JSON != nil:
			other.sameState(where, h, s.Version, s.JSON)
		}
		found++
	}
	j.report.CopiedStates += found
	if found == len(c.States) {
		return
	}
	for id := range c.States {
		if !other.has(id, c.Partitions) {
			j.violate(KnownCause, c.Name+": "+id, "it has no events")
		}
	}
}

func (j *judge) has(id string, partitions []int32) bool {
	for p := range j.log.Events.Partitions {
		in := partitions == nil || slices.Contains(partitions, int32(p))
		if in && j.histories[aggregate{int32(p), id}] != nil {
			return true
		}
	}
	return false
}

package checker

// transactions judges the broker's word by the markers: what a transaction
// wrote is visible if and only if its marker says commit.
func (j *judge) transactions() {
	for _, t := range j.log.topics() {
		for p := range t.Partitions {
			j.partitionTransactions(t, int32(p), &t.Partitions[p])
		}
	}
}

func (j *judge) partitionTransactions(t *Topic, number int32, p *Partition) {
	where := Record{Topic: t.Name, Partition: number, Offset: p.Stable}.where()
	if p.Stable < p.End {
		j.violate(Settled, where, "a transaction is open: the last stable offset is %d, the end %d", p.Stable, p.End)
	}
	visible := map[int64]bool{}
	for i := range p.Visible {
		visible[p.Visible[i].Offset] = true
	}
	open := map[int64][]*Record{} // by producer
	for i := range p.All {
		r := &p.All[i]
		switch {
		case r.Control != Data:
			j.ended(t, open[r.ProducerID], r.Control == Commit, visible)
			if t == &j.log.Results {
				j.countTransaction(r)
			}
			delete(open, r.ProducerID)
		case r.Transactional:
			open[r.ProducerID] = append(open[r.ProducerID], r)
		case !visible[r.Offset] && !t.Compacted:
			j.violate(AbortedHidden, r.where(), "the record was written without a transaction, and is not visible")
		}
	}
	for _, records := range open {
		for _, r := range records {
			if visible[r.Offset] && !t.Compacted { // compaction removes markers
				j.violate(AbortedHidden, r.where(), "the record is visible, but its transaction has not ended")
			}
		}
	}
}

func (j *judge) countTransaction(marker *Record) {
	j.report.Transactions++
	if marker.Control == Abort {
		j.report.AbortedTransactions++
	}
}

// ended judges the records of a transaction in one partition. A compacted
// topic may lose committed records between the two readings, but never gains
// aborted ones.
func (j *judge) ended(t *Topic, records []*Record, committed bool, visible map[int64]bool) {
	for _, r := range records {
		switch {
		case !committed && visible[r.Offset]:
			j.violate(AbortedHidden, r.where(), "the record is visible, but its transaction was aborted")
		case committed && !visible[r.Offset] && !t.Compacted:
			j.violate(AbortedHidden, r.where(), "the record is not visible, but its transaction was committed")
		}
		if !committed {
			j.report.Aborted++
		}
	}
}

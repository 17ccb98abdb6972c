package eventim

import (
	"cmp"
	"slices"
	"strconv"
)

// deadLetterFold makes the dead letters of the records of their topic, which may come
// in any order of the partitions.
type deadLetterFold struct {
	letters []*DeadLetter
	notes   []deadLetterNote
	foreign int
}

// add takes a record; keep tells whether its bytes are wanted.
func (f *deadLetterFold) add(rec Record, keep func(id string) bool) {
	d, ok := deadLetterOf(rec)
	if ok {
		if !keep(d.ID) {
			d.Record.Headers, d.Record.Value = nil, nil
		}
		d.Record.Key, d.Record.Value = slices.Clone(d.Record.Key), slices.Clone(d.Record.Value)
		d.Record.Headers = cloned(d.Record.Headers)
		f.letters = append(f.letters, &d)
		return
	}
	if n, ok := noteOf(rec); ok {
		f.notes = append(f.notes, n)
		return
	}
	f.foreign++
}

// cloned are headers without the buffer of everything that was fetched with them.
func cloned(headers []*Header) (own []*Header) {
	for _, h := range headers {
		own = append(own, &Header{slices.Clone(h.Key), slices.Clone(h.Value)})
	}
	return own
}

// fold returns the dead letters, the newest first, each with what has become of it. A
// retry that has failed again is no dead letter of its own: it is an attempt of the one
// that it repeats, for as long as that one is kept.
func (f *deadLetterFold) fold() (all []*DeadLetter, foreign int) {
	byID := map[string][]*DeadLetter{}
	for _, d := range f.letters {
		byID[d.ID] = append(byID[d.ID], d)
	}
	for _, d := range f.letters {
		if first := repeated(byID[d.retryOf], d); first != nil {
			first.failedAgain(d)
			continue
		}
		all = append(all, d)
	}
	for _, n := range f.notes {
		for _, d := range byID[n.of] {
			if d.digest.String() == n.digest {
				d.note(n)
			}
		}
	}
	for _, d := range all {
		slices.SortStableFunc(d.Attempts, func(a, b DeadLetterAttempt) int { return cmp.Compare(a.Number, b.Number) })
		d.Attempts = slices.CompactFunc(d.Attempts, func(a, b DeadLetterAttempt) bool { return a.Number == b.Number })
	}
	slices.SortFunc(all, func(a, b *DeadLetter) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.ID, b.ID)) })
	return all, f.foreign
}

// repeated is which of these a dead letter is a retry of. What its headers say is held
// against its id: nothing is hidden behind another because it claims to belong to it.
func repeated(firsts []*DeadLetter, d *DeadLetter) *DeadLetter {
	n, err := strconv.Atoi(d.number)
	if err != nil || n < 0 {
		return nil
	}
	for _, first := range firsts {
		if first != d && first.commandOf(n) == d.Command {
			return first
		}
	}
	return nil
}

func (d *DeadLetter) failedAgain(again *DeadLetter) {
	n, _ := strconv.Atoi(again.number)
	d.Attempts = append(d.Attempts, DeadLetterAttempt{
		Number: n, Command: again.Command, By: again.retryBy, Time: again.Time, Outcome: Failed, Code: again.Code, Reason: again.Reason,
	})
}

// note takes what is on record. That a command was accepted is a fact, whoever has
// discarded it meanwhile; of two who did the same, the first counts.
func (d *DeadLetter) note(n deadLetterNote) {
	if n.State == noteRejected {
		d.Attempts = append(d.Attempts, DeadLetterAttempt{
			Number: n.Attempt, Command: n.Command, By: n.By, Time: n.at, Outcome: Rejected, Code: n.Code, Reason: n.Reason,
		})
		return
	}
	if d.Ending == nil || d.Ending.State == DeadLetterDiscarded && n.State == DeadLetterRetried {
		d.Ending = &DeadLetterEnding{State: n.State, By: n.By, Time: n.at, Reason: n.Reason, Command: n.Command, Version: n.Version}
	}
}

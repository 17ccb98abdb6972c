package devbroker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
)

// producers is the producers' log: what kfake knows of them, and the ends of transactions.
type producers struct {
	last    map[int64]producerEntry // by id: the epoch of its last entry, the rest of its last init
	current map[string]int64        // transactional id -> producer id
	ends    map[int64]int64         // producer id -> position of its last end of a transaction
	end     int64                   // of the log
}

func readProducers(logDir string) (*producers, error) {
	p := &producers{last: map[int64]producerEntry{}, current: map[string]int64{}, ends: map[int64]int64{}}
	var err error
	p.end, err = readStateLog(filepath.Join(logDir, producersLog), func(position int64, content []byte) error {
		var e producerEntry
		if err := json.Unmarshal(content, &e); err != nil {
			return fmt.Errorf("%s at %d: %w", producersLog, position, err)
		}
		p.apply(position, e)
		return nil
	})
	return p, err
}

func (p *producers) apply(position int64, e producerEntry) {
	switch e.Type {
	case "init":
		p.last[e.ID] = e
		if e.TxnID != "" {
			p.current[e.TxnID] = e.ID
		}
	case "endtx":
		p.ends[e.ID] = position
		p.setEpoch(e)
	case "timeout":
		p.setEpoch(e)
	}
}

func (p *producers) setEpoch(e producerEntry) {
	known := p.last[e.ID]
	known.ID, known.Epoch = e.ID, e.Epoch
	p.last[e.ID] = known
}

// unfinished tells whether kfake began to carry out the commit and did not finish. An intent of another epoch was refused.
// A log that is shorter than when the commit began was compacted since, which kfake does between requests.
func (p *producers) unfinished(in *intent) bool {
	if in == nil || p.end < in.Before || p.last[in.ProducerID].Epoch != in.Epoch {
		return false
	}
	end, ended := p.ends[in.ProducerID]
	return !ended || end < in.Before
}

// fenced returns entries that raise the epoch of every transactional producer: one that outlived the broker must not be told
// that a commit succeeded which the repair has aborted.
func (p *producers) fenced() []producerEntry {
	var entries []producerEntry
	for _, id := range p.current {
		e := p.last[id]
		if e.Epoch >= math.MaxInt16-1 {
			continue // kfake gives it another id when it comes back
		}
		e.Type, e.Epoch, e.Commit = "init", e.Epoch+1, new(false)
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b producerEntry) int { return cmp.Compare(a.ID, b.ID) })
	return entries
}

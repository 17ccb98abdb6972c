package task

import (
	"maps"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/statestore"
)

// Checkpoint says how much of the log is in a store: for each table, by its name, the
// next offset of its partition, and under "time" when that was known to be current,
// in Unix milliseconds.
type Checkpoint map[string]int64

const checkpointTime = "time"

var checkpointKey = statestore.MetaKey('c')

// CheckpointOf returns the checkpoint of a store, an empty one for a new store.
func CheckpointOf(s *statestore.Store) (Checkpoint, error) {
	c := Checkpoint{}
	_, err := s.GetJSON(checkpointKey, &c)
	return c, err
}

// Save writes the checkpoint down.
func (c Checkpoint) Save(s *statestore.Store) error { return s.SetJSON(checkpointKey, c) }

func (c Checkpoint) put(w *statestore.Write) { w.SetJSON(checkpointKey, c) }

// with is the checkpoint with another position of a table.
func (c Checkpoint) with(name string, position int64) Checkpoint {
	c = maps.Clone(c)
	c[name] = position
	return c
}

// empty is the checkpoint of a store that was never filled.
func (c Checkpoint) empty() bool {
	for _, v := range c {
		if v != 0 {
			return false
		}
	}
	return true
}

// advance moves the checkpoint over what a batch has written.
func (c *Claim) advance(records []*sarama.ProducerMessage, ends map[string]int64) {
	for _, t := range c.task.Tables {
		end := ends[t.Topic]
		switch {
		case end == 0:
		case !t.Compacted:
			c.Checkpoint[t.Name] = max(c.Checkpoint[t.Name], end)
		case c.undisturbed(t, records):
			c.Saw(t.Name, end, true)
		}
	}
}

// Saw enters that all of a compacted table up to next has been seen; a marker of ours
// follows there, or not.
func (c *Claim) Saw(table string, next int64, marker bool) {
	c.Checkpoint[table] = next
	if c.markers == nil {
		c.markers = map[string]bool{}
	}
	c.markers[table] = marker
}

// undisturbed tells whether the records of a batch for a compacted table stand right
// behind those that are known, and behind the marker of our transaction before it.
// Anything else in between may be a deletion: the checkpoint waits before it until
// somebody has looked, so that no store is believed to have seen what nobody has.
func (c *Claim) undisturbed(t Table, records []*sarama.ProducerMessage) bool {
	next := c.Checkpoint[t.Name]
	if c.markers[t.Name] {
		next++
	}
	for _, m := range records {
		if m.Topic != t.Topic {
			continue
		}
		if m.Offset != next {
			return false
		}
		next++
	}
	return true
}

package eventim

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// ParkedInstance is an instance that could not react, and has heard nothing since.
type ParkedInstance struct {
	Instance string
	Reason   string    // why it could not react to the first of Messages
	Since    time.Time // by the clock of the handler
	Messages []string  // the ids of what waits, in order
}

// Parked returns the instances that are parked, in the order of their ids: none where
// the topics of the reactor do not exist. It asks Kafka, and needs no handler in this
// process.
func (r Reactor[S, M]) Parked(ctx context.Context, k Kafka) ([]ParkedInstance, error) {
	w, _, err := r.waiting(ctx, k)
	var all []ParkedInstance
	for _, id := range sortedKeys(w) {
		all = append(all, w.parked(id))
	}
	return all, err
}

// waitingMessages is what waits of each instance that is parked, by number.
type waitingMessages map[string]map[int64]parkedMessage

// waiting folds the topic of the parked, and returns up to where.
func (r Reactor[S, M]) waiting(ctx context.Context, k Kafka) (waitingMessages, Positions, error) {
	w, topic := waitingMessages{}, r.Topics().Parked
	ends, err := endsIfThere(ctx, k, topic)
	if err != nil || ends == nil {
		return w, nil, err
	}
	return w, ends, Read(ctx, k, topic, nil, ends, func(rec Record) error {
		_, _, err := w.add(rec)
		return err
	})
}

// add takes a record, and returns the instance and, when it could not react once more,
// why.
func (w waitingMessages) add(rec Record) (id, failed string, err error) {
	id, number, err := parseParkedName(string(rec.Key))
	if err != nil {
		return id, "", err
	}
	if rec.Value == nil {
		delete(w[id], number)
		if len(w[id]) == 0 {
			delete(w, id)
		}
		return id, "", nil
	}
	var m parkedMessage
	if err := json.Unmarshal(rec.Value, &m); err != nil {
		return id, "", err
	}
	if w[id] == nil {
		w[id] = map[int64]parkedMessage{}
	}
	w[id][number] = m
	return id, m.Reason, nil
}

// parked is an instance of which something waits.
func (w waitingMessages) parked(id string) ParkedInstance {
	numbers := slices.Sorted(maps.Keys(w[id]))
	first := w[id][numbers[0]]
	p := ParkedInstance{Instance: id, Reason: first.Reason, Since: time.UnixMilli(first.Since).UTC()}
	for _, n := range numbers {
		p.Messages = append(p.Messages, w[id][n].ID)
	}
	return p
}

package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/eventim-go/eventim/internal/dedup"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// origins are the ids of the topics that a state store was filled beside. Its
// identity names the snapshots; these tell when one of the others was deleted
// and made anew, under the same name, with offsets that begin again.
type origins struct {
	Commands string `json:"commands"`
	Results  string `json:"results"`
	Events   string `json:"events"`

	// AnsweredBefore is the offset of a command: the results of those below are
	// not in this topic of results, which was made anew.
	AnsweredBefore int64 `json:"answeredBefore,omitempty"`
}

var originsKey = statestore.MetaKey('o')

func (a *Aggregate[S, C, E]) origins(ids map[string]string) origins {
	t := a.Topics()
	return origins{Commands: ids[t.Commands], Results: ids[t.Results], Events: ids[t.Events]}
}

// verifyOrigins judges topics that were made anew since the store was filled.
//
//   - Without the events, the states cannot be folded any more, and the next
//     event would be the first of a history that begins in the middle.
//   - New commands are handled from their beginning, when somebody says that
//     this is meant: the group's offset in the old topic means nothing.
//   - New results are a shorter window: the store still has the answers.
func (w *worker[S, C, E]) verifyOrigins(ctx context.Context) error {
	var had origins
	found, err := w.store.GetJSON(originsKey, &had)
	if err != nil {
		return err
	}
	t, have := w.agg.Topics(), w.agg.origins(w.Restorer.Cluster.Topics)
	if err := w.verifyEvents(ctx, found && had.Events != have.Events); err != nil {
		return err
	}
	if found && had.Commands != have.Commands {
		start, _, err := w.Bounds(ctx, t.Commands)
		if err != nil {
			return err
		}
		if w.Next != start {
			return w.refuse("the topic was deleted and made anew, and the group's offset %d is of the old one; the new one begins at %d", w.Next, start)
		}
		w.Logger.Warn("the topic of the commands was made anew; what was not handled in the old one is lost", slog.Int64("offset", start))
	}
	have.AnsweredBefore = had.AnsweredBefore
	if found && had.Results != have.Results {
		have.AnsweredBefore = w.Next
	}
	w.answeredBefore = have.AnsweredBefore
	if had == have {
		return nil
	}
	return w.store.SetJSON(originsKey, have)
}

// verifyEvents refuses states without the events that they are the fold of.
func (w *worker[S, C, E]) verifyEvents(ctx context.Context, anew bool) error {
	_, events, err := w.Bounds(ctx, w.agg.Topics().Events)
	if err != nil || (events > 0 && !anew) {
		return err
	}
	err = w.store.snapshots(func(string, storedSnapshot) error { return kafkalog.ErrFound })
	if errors.Is(err, kafkalog.ErrFound) {
		return w.lostEvents()
	}
	return err
}

func (w *worker[S, C, E]) lostEvents() error {
	return &historyError{Err: fmt.Errorf("%s/%d: the topic was deleted and made anew: there are states, but the events that they are the fold of are gone; "+
		"bring the events back, or start over with new topics", w.agg.Topics().Events, w.Partition)}
}

// reanchor lets a store go on with a topic of results that was made anew: it
// keeps its answers, which nobody else has any more, and reads the new ones from
// their beginning.
func (a *Aggregate[S, C, E]) reanchor(r *task.Restorer, s *statestore.Store, c task.Checkpoint) (task.Checkpoint, error) {
	var had origins
	found, err := s.GetJSON(originsKey, &had)
	if err != nil || !found || had.Results == a.origins(r.Cluster.Topics).Results || len(c) == 0 {
		return c, err
	}
	r.Logger.Warn("the topic of the results was made anew; this store keeps the answers of the old one, and a store that is lost loses them")
	if err := a.forgetResults(s); err != nil {
		return c, err
	}
	c[tableAnswers] = 0
	return c, c.Save(s)
}

// forgetResults keeps that commands were answered, and forgets where the answers
// are to be read: another one may stand there.
func (a *Aggregate[S, C, E]) forgetResults(s *statestore.Store) error {
	answers, err := dedup.Open(s, a.Deduplication)
	if err != nil {
		return err
	}
	return answers.Update(func(e dedup.Entry) dedup.Entry {
		e.Offset = -1
		return e
	})
}

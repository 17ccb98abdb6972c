package web

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// stalledAfter is how long commands may wait before people are told: a handler
// that is killed is replaced within about as long.
const stalledAfter = 10 * time.Second

// Handling says whether commands are being handled.
type Handling struct {
	State      string    `json:"state" enum:"ok,stalled,unknown" doc:"stalled: the commands of some invoices wait and nobody handles them; unknown: Kafka does not tell."`
	Partitions []Stalled `json:"partitions" doc:"The partitions in which commands wait."`
}

// Stalled is a partition in which commands wait and none is finished.
type Stalled struct {
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset" doc:"Of the first command that is not finished."`
	Waiting   int64     `json:"waiting" doc:"How many offsets there are from it to the end."`
	Since     time.Time `json:"since" doc:"Since when nothing has been finished here, as this server has seen it."`
}

// handling watches the offsets that the handlers commit. They are other
// processes, and one that hangs says nothing: what it has finished is in Kafka.
type handling struct {
	now func() time.Time

	mu      sync.Mutex
	known   bool
	waiting map[int32]waiting // what waits, also when it is not for long
}

// waiting is a partition that is not at its end. What is behind may be markers alone: of
// the transactions in which reactors send commands there is always one.
type waiting struct {
	Stalled

	looked bool // and there is a command
}

func (s *Server) watchHandling(ctx context.Context) error {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	for {
		err := bounded(ctx, func(ctx context.Context) error {
			backlogs, err := s.aggregate.Backlogs(ctx, s.kafka)
			if err != nil {
				return err
			}
			return s.handling.see(backlogs, func(b eventim.Backlog) (bool, error) {
				return b.Waits(ctx, s.kafka, s.aggregate.Topics().Commands)
			})
		})
		s.handling.tell(err == nil)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (h *handling) tell(known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = known
}

// see enters what the handlers have finished by now. Whether there is a command
// behind it is asked only where nothing has moved for long.
func (h *handling) see(backlogs []eventim.Backlog, waits func(eventim.Backlog) (bool, error)) error {
	next := map[int32]waiting{}
	for _, b := range backlogs {
		if b.Handled >= b.End {
			continue
		}
		was, waited := h.at(b.Partition)
		now := waiting{Stalled: Stalled{Partition: b.Partition, Offset: b.Handled, Waiting: b.End - b.Handled, Since: h.now()}}
		if waited && was.Offset == b.Handled {
			now.Since = was.Since
		}
		if h.now().Sub(now.Since) >= stalledAfter {
			there, err := waits(b)
			if err != nil {
				return err
			}
			if !there {
				continue
			}
			now.looked = true
		}
		next[b.Partition] = now
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = next
	return nil
}

func (h *handling) at(partition int32) (waiting, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.waiting[partition]
	return s, ok
}

func (h *handling) report() Handling {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.known {
		return Handling{State: "unknown", Partitions: []Stalled{}}
	}
	r := Handling{State: "ok", Partitions: []Stalled{}}
	for _, p := range slices.Sorted(maps.Keys(h.waiting)) {
		if w := h.waiting[p]; w.looked {
			r.State, r.Partitions = "stalled", append(r.Partitions, w.Stalled)
		}
	}
	return r
}

type handlingOutput struct{ Body Handling }

// getHandling answers from what was seen last: whoever asks often costs nothing.
func (s *Server) getHandling(context.Context, *struct{}) (*handlingOutput, error) {
	return &handlingOutput{s.handling.report()}, nil
}

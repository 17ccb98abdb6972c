package checker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadReactor waits until all that the sources of a reactor say is in its inbox, all of
// that is reacted to, what it has sent is handled, and neither a timer is due soon nor a
// call waits, at most Options.Settle, and reads its topics. Of the options it needs the
// brokers and how to reach them.
func ReadReactor(ctx context.Context, re Reactor, o Options) (*ReactorLog, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(o.Brokers...)}, o.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", o.Brokers, err)
	}
	defer client.Close()
	log := newReactorLog(re.Name)
	r := &reader{client: client, admin: kadm.NewClient(client), topics: log.topics()}
	for _, s := range re.Sources {
		r.consumers = append(r.consumers, &consumer{group: re.Name + "-from-" + s.Events, input: &Topic{Name: s.Events}})
	}
	for _, a := range re.Sends {
		r.consumers = append(r.consumers, &consumer{group: a + "-handler", input: &Topic{Name: a + "-commands"}})
	}
	r.consumers = append(r.consumers, &consumer{group: re.Name + "-reactor", input: &log.Inbox})
	if err := r.locate(ctx); err != nil {
		return nil, err
	}
	return log, r.readReactor(ctx, log, time.Now().Add(cmp.Or(o.Settle, 30*time.Second)))
}

func (r *reader) readReactor(ctx context.Context, log *ReactorLog, until time.Time) error {
	for {
		if err := r.rest(ctx, until); err != nil {
			return err
		}
		log.Read = time.Now()
		if err := r.readAll(ctx); err != nil {
			return err
		}
		if !log.busy() || !time.Now().Before(until) {
			log.Forgets = log.forgets()
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// rest waits until everybody is done, and nothing was written while that was seen: what
// one has done is work for the next.
func (r *reader) rest(ctx context.Context, until time.Time) error {
	for before := []int64(nil); ; {
		if err := r.settle(ctx, time.Until(until)); err != nil {
			return err
		}
		var ends []int64
		for _, t := range r.all() {
			for _, p := range t.Partitions {
				ends = append(ends, p.End)
			}
		}
		if slices.Equal(ends, before) || !time.Now().Before(until) {
			return nil
		}
		before = ends
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(200 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// soon is how long it is waited for timers that are not due yet.
const soon = 10 * time.Second

// busy tells whether an instance was about to do something when the log was read.
func (l *ReactorLog) busy() bool {
	last := map[string][]byte{}
	each(&l.Instances, func(_ int, r *Record) { last[string(r.Key)] = r.Value })
	for _, value := range last {
		var kept keptInstance
		if value == nil || json.Unmarshal(value, &kept) != nil || kept.Parked != nil { // what cannot be read is for the judge
			continue
		}
		for _, t := range kept.Timers {
			if t.Due <= l.Read.Add(soon).UnixMilli() {
				return true
			}
		}
		if len(kept.Calls) > 0 {
			return true
		}
	}
	return false
}

// forgets tells whether retention or compaction have removed something.
func (l *ReactorLog) forgets() bool {
	for _, t := range l.topics() {
		for _, p := range t.Partitions {
			if p.Start > 0 || int64(len(p.All)) != p.End {
				return true
			}
		}
	}
	return false
}

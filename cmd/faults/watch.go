package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// watch follows the results: when each partition answers; and the events, which
// have the time of the handler that wrote them. Its methods are safe for
// concurrent use.
type watch struct {
	client *kgo.Client
	ended  chan struct{}

	mu      sync.Mutex
	answers map[int32][]time.Time // by partition, since forget
	wrong   int                   // events whose own time is not when they came
}

// skew is how late an event may come before its time counts as wrong: longer
// than any fault lasts.
const skew = 2 * time.Minute

func startWatch(ctx context.Context, brokers []string) (*watch, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(aggregate+"-results", aggregate+"-events"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return nil, fmt.Errorf("watch the results: %w", err)
	}
	w := &watch{client: client, ended: make(chan struct{}), answers: map[int32][]time.Time{}}
	go func() { defer close(w.ended); w.run(context.WithoutCancel(ctx)) }()
	return w, nil
}

func (w *watch) run(ctx context.Context) {
	for {
		fetched := w.client.PollFetches(ctx)
		if fetched.IsClientClosed() {
			return
		}
		at := time.Now()
		w.mu.Lock()
		fetched.EachRecord(func(r *kgo.Record) {
			switch {
			case r.Topic == aggregate+"-results":
				w.answers[r.Partition] = append(w.answers[r.Partition], at)
			case at.Sub(r.Timestamp).Abs() > skew:
				w.wrong++
			}
		})
		w.mu.Unlock()
	}
}

func (w *watch) close() error {
	w.client.Close()
	<-w.ended
	return nil
}

// skewed is how many events have come with a wrong time.
func (w *watch) skewed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrong
}

func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.answers)
}

// silence is the longest time between from and to in which a partition did not
// answer.
func (w *watch) silence(partition int32, from, to time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return longestGap(w.answers[partition], from, to)
}

// longestGap returns the longest time between two of the times, which are in
// order, and the ends of a stretch of time.
func longestGap(times []time.Time, from, to time.Time) (longest time.Duration) {
	last := from
	for _, t := range times {
		if t.Before(from) || t.After(to) {
			continue
		}
		longest, last = max(longest, t.Sub(last)), t
	}
	return max(longest, to.Sub(last))
}

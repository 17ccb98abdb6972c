package web

import (
	"cmp"
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// errConnecting is the state of the part "live" until the tails are placed.
var errConnecting = errors.New("connecting to Kafka")

// live is what needs Kafka. It exists once the ends of the topics are known,
// so that its tokens are exact from the first one on.
type live struct {
	sender   *eventim.Sender[invoices.Command]
	inbox    eventim.Inbox // of those who wait for an answer over HTTP
	hub      *hub
	progress *progress
	replayer *replayer
}

// goLive connects, for as long as it takes, and then tails the topics until
// ctx ends. A server without Kafka still serves what Postgres has.
func (s *Server) goLive(ctx context.Context) error {
	s.health.set("live", errConnecting)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		l, err := s.connect(ctx)
		if err == nil {
			return s.tail(ctx, l)
		}
		s.log.Warn("cannot connect to Kafka yet", "error", err)
		s.health.set("live", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Server) connect(ctx context.Context) (*live, error) {
	start, err := startToken(ctx, s.kafka, s.aggregate.Topics())
	if err != nil {
		return nil, err
	}
	sender, err := eventim.NewSender(s.aggregate, s.kafka)
	if err != nil {
		return nil, err
	}
	return &live{
		sender: sender, hub: newHub(s.aggregate, start, s.log), progress: newProgress(len(start.results)),
		replayer: newReplayer(s.aggregate, s.kafka, s.log),
	}, nil
}

func startToken(ctx context.Context, k eventim.Kafka, topics eventim.Topics) (token, error) {
	epoch, err := epochOf(ctx, k, topics.Results, topics.Snapshots)
	if err != nil {
		return token{}, err
	}
	results, err := endsOf(ctx, k, topics.Results)
	if err != nil {
		return token{}, err
	}
	snapshots, err := endsOf(ctx, k, topics.Snapshots)
	return token{epoch, results, snapshots}, err
}

// tail publishes l and feeds its hub until ctx ends or a tail breaks, which it
// does only when Kafka has deleted what it had not read yet.
func (s *Server) tail(ctx context.Context, l *live) error {
	topics, start := s.aggregate.Topics(), l.hub.at.clone()
	s.live.Store(l)
	s.health.set("live", nil)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return eventim.Tail(ctx, s.kafka, topics.Results, start.results.positions(), l.result)
	})
	g.Go(func() error { return l.recall(ctx, s.kafka, topics, start.results, s.log) })
	g.Go(func() error {
		return eventim.Tail(ctx, s.kafka, topics.Snapshots, start.snapshots.positions(), l.hub.snapshot)
	})
	g.Go(func() error { return l.replayer.run(ctx) })
	err := g.Wait()
	s.health.set("live", cmp.Or(err, errors.New("stopped")))
	return err
}

// result is called with each record of the results topic.
func (l *live) result(rec eventim.Record) error {
	l.progress.result(rec)
	l.inbox.Record(rec)
	return l.hub.result(rec)
}

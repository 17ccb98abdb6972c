package eventim

import (
	"context"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/member"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
	"github.com/eventim-go/eventim/internal/txn"
)

// KeptState is a snapshot in the state store of a handler that has ended.
type KeptState struct {
	Version  int64
	Revision int
	Data     []byte
}

// Kept is what a state store holds.
type Kept struct {
	States             map[string]KeptState // by aggregate id
	Snapshots, Results int64                // checkpoint
}

// ReadStore reads the state store in a directory that nobody has open.
func ReadStore(dir string) (kept Kept, err error) {
	s, err := openAny(dir)
	if err != nil {
		return Kept{}, err
	}
	defer func() { err = cmpOr(err, s.Close()) }()
	c, err := task.CheckpointOf(s.Store)
	if err != nil {
		return Kept{}, err
	}
	kept = Kept{map[string]KeptState{}, c[tableSnapshots], c[tableAnswers]}
	err = s.snapshots(func(aggregate string, v storedSnapshot) error {
		kept.States[aggregate] = KeptState{v.version, v.revision, v.data}
		return nil
	})
	return kept, err
}

// AgeStore lets the last write of a store that nobody has open be that long ago.
func AgeStore(dir string, by time.Duration) (err error) {
	s, err := openAny(dir)
	if err != nil {
		return err
	}
	defer func() { err = cmpOr(err, s.Close()) }()
	c, err := task.CheckpointOf(s.Store)
	if err != nil {
		return err
	}
	c["time"] -= by.Milliseconds()
	return c.Save(s.Store)
}

// openAny opens a store whatever its identity is.
func openAny(dir string) (*tables, error) {
	o := statestore.Options{Logger: slog.New(slog.DiscardHandler)}
	s, err := statestore.OpenWhatever(dir, o)
	if err != nil {
		return nil, err
	}
	return &tables{Store: s}, nil
}

func cmpOr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// ChangeStore changes the identity and the checkpoint of a store that nobody
// has open.
func ChangeStore(dir string, change func(cluster *string, snapshots, results *int64)) (err error) {
	s, err := openAny(dir)
	if err != nil {
		return err
	}
	defer func() { err = cmpOr(err, s.Close()) }()
	var id statestore.Identity
	if _, err := s.GetJSON(statestore.IdentityKey, &id); err != nil {
		return err
	}
	c, err := task.CheckpointOf(s.Store)
	if err != nil {
		return err
	}
	snapshots, results := c[tableSnapshots], c[tableAnswers]
	change(&id.Cluster, &snapshots, &results)
	c[tableSnapshots], c[tableAnswers] = snapshots, results
	if err := s.SetJSON(statestore.IdentityKey, id); err != nil {
		return err
	}
	return c.Save(s.Store)
}

// LaneBatch is a batch for CommitTogether: one record for one topic.
type LaneBatch struct {
	Topic string
	Value []byte
	Group *sarama.ConsumerGroupMetadata
	Input string
}

// CommitTogether gives batches to one lane at once, as group commit does, and
// returns their outcomes.
func CommitTogether(ctx context.Context, k Kafka, group string, batches ...LaneBatch) []error {
	return CommitTogetherThen(ctx, k, group, func([]string) {}, batches...)
}

// CommitTogetherThen calls told when the outcomes are known, with the ids that
// the lane has settled by then.
func CommitTogetherThen(ctx context.Context, k Kafka, group string, told func(settled []string), batches ...LaneBatch) []error {
	var settled []string
	settle := func(_ context.Context, id string) error {
		settled = append(settled, id)
		return nil
	}
	l := txn.NewLane(k.connection(), txn.NewIDs(group, "instance"), settle, maxOutputBytes, slog.New(slog.DiscardHandler))
	defer l.Drop()
	var requests []*txn.Request
	for i, b := range batches {
		requests = append(requests, &txn.Request{
			Records: []*sarama.ProducerMessage{{Topic: b.Topic, Partition: int32(i), Value: sarama.ByteEncoder(b.Value)}}, //nolint:gosec // few
			Input:   b.Input, Partition: int32(i), Next: 1, Done: make(chan error, 1),                                     //nolint:gosec // few
			Metadata: func() *sarama.ConsumerGroupMetadata { return b.Group },
		})
	}
	l.Serve(ctx, requests)
	var errs []error
	for _, r := range requests {
		errs = append(errs, <-r.Done)
	}
	told(settled)
	return errs
}

// ErrRefold is what CatchUp returns when states are to be folded again.
var ErrRefold = errRefold

// CatchUp brings the store of partition 0 in a directory up to the end of the
// log, as taking over does, and ends there.
func CatchUp[S, C, E any](ctx context.Context, a Aggregate[S, C, E], k Kafka, dir string) (err error) {
	logger := slog.New(slog.DiscardHandler)
	client, err := k.connection().Client()
	if err != nil {
		return err
	}
	defer func() { err = cmpOr(err, client.Close()) }()
	fencer, err := member.NewFencer(k.connection(), a.Group(), "test", a.Topics().Commands, nil, logger)
	if err != nil {
		return err
	}
	defer func() { err = cmpOr(err, fencer.Close()) }()
	full := a.withDefaults()
	r := task.NewRestorer(&task.Task{
		Name: a.Name, Tables: full.tables(), Identity: a.Topics().Snapshots, Revision: a.Revision, Format: storeFormat,
	})
	r.Client, r.Dir, r.Fencer, r.Options, r.Logger = client, dir, fencer, statestore.Options{Logger: logger}, logger
	s, err := statestore.Open(r.StoreDir(0), r.Identity(0), r.Options)
	if err != nil {
		s, err = statestore.Create(r.StoreDir(0), r.Identity(0), r.Options, false)
	}
	if err != nil {
		return err
	}
	return cmpOr(r.CatchUp(ctx, s, 0), s.Close())
}

// asMember is the fencer of a handler of a group, without the handler.
func asMember(k Kafka, group, input, instance string) (*member.Fencer, error) {
	return member.NewFencer(k.connection(), group, instance, input, nil, slog.New(slog.DiscardHandler))
}

// CommittedOffset returns the offset that a group has committed for partition 0 of
// its commands, as a handler reads it when it takes over.
func CommittedOffset(ctx context.Context, k Kafka, group, input string) (int64, error) {
	s, err := asMember(k, group, input, "nobody")
	if err != nil {
		return 0, err
	}
	offset, _, err := s.Committed(ctx, 0)
	return offset, cmpOr(err, s.Close())
}

// FenceDeadOwners ends the transactions of dead handlers of a group, as one that
// has been given partitions does.
func FenceDeadOwners(ctx context.Context, k Kafka, group, input string) error {
	s, err := asMember(k, group, input, "nobody")
	if err != nil {
		return err
	}
	s.TakeOver(ctx)
	return s.Close()
}

// OwnerOf is the instance to which a transactional id of a group belongs, "" when
// it is of no lane of one.
func OwnerOf(group, id string) string {
	instance, ok := txn.Owner(group, id)
	if !ok {
		return ""
	}
	return instance
}

// MakesCalls tells whether the handler of a reactor begins calls.
func MakesCalls[S, M any](h *ReactorHandler[S, M]) bool {
	h.calls.mu.Lock()
	defer h.calls.mu.Unlock()
	return h.calls.context != nil
}

// Routed tells whether the inbox of a reactor has all that its sources say.
func Routed[S, M any](ctx context.Context, h *ReactorHandler[S, M]) (bool, error) {
	return watching(ctx, h, func(w *drainWatch) (bool, error) { return w.routed(ctx) })
}

// InboxRead tells whether a partition of the inbox has nothing behind a position.
func InboxRead[S, M any](ctx context.Context, h *ReactorHandler[S, M], at Position) (bool, error) {
	return watching(ctx, h, func(w *drainWatch) (bool, error) { return w.done(ctx, w.inbox, at.Partition, at.Offset) })
}

// watching asks the watch of a reactor something.
func watching[S, M any](ctx context.Context, h *ReactorHandler[S, M], ask func(*drainWatch) (bool, error)) (yes bool, err error) {
	client, err := h.config.Kafka.connection().Client()
	if err != nil {
		return false, err
	}
	defer func() { err = cmpOr(err, client.Close()) }()
	_, watch, err := h.parts(ctx, client)
	if err != nil {
		return false, err
	}
	return ask(watch)
}

// AfterTheWindow is l for which no answer is remembered any more.
func (l DeadLetters) AfterTheWindow() DeadLetters {
	l.window = 0
	return l
}

// FoldDeadLetters is what a reader makes of the records of a topic.
func FoldDeadLetters(records []Record) (all []*DeadLetter, foreign int) {
	var f deadLetterFold
	for _, rec := range records {
		f.add(rec, func(string) bool { return true })
	}
	return f.fold()
}

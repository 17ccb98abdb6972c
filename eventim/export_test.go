package eventim

import (
	"context"
	"log/slog"
	"time"

	"github.com/IBM/sarama"
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
	defer func() { err = cmpOr(err, s.close()) }()
	c, err := s.checkpoint()
	if err != nil {
		return Kept{}, err
	}
	kept = Kept{map[string]KeptState{}, c.Snapshots, c.Results}
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
	defer func() { err = cmpOr(err, s.close()) }()
	c, err := s.checkpoint()
	if err != nil {
		return err
	}
	c.Time -= by.Milliseconds()
	return s.setJSON(checkpointKey, c)
}

// openAny opens a store whatever its identity is.
func openAny(dir string) (*store, error) {
	o := storeOptions{logger: slog.New(slog.DiscardHandler)}
	options := pebbleOptions(o)
	options.ErrorIfNotExists = true
	s, err := openPebble(dir, options, o)
	if err != nil {
		return nil, err
	}
	if _, found, err := s.get(identityKey); err != nil || !found {
		return s, err // the beginning of a restore that was killed
	}
	return s, s.follow()
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
	defer func() { err = cmpOr(err, s.close()) }()
	var id identity
	if _, err := s.getJSON(identityKey, &id); err != nil {
		return err
	}
	c, err := s.checkpoint()
	if err != nil {
		return err
	}
	change(&id.Cluster, &c.Snapshots, &c.Results)
	if err := s.setJSON(identityKey, id); err != nil {
		return err
	}
	return s.setJSON(checkpointKey, c)
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
	l := newLane(k, newTransactionalIDs(group, "instance"), settle, maxOutputBytes, slog.New(slog.DiscardHandler))
	defer l.drop()
	var requests []*request
	for i, b := range batches {
		requests = append(requests, &request{
			records: []*sarama.ProducerMessage{{Topic: b.Topic, Value: sarama.ByteEncoder(b.Value)}},
			input:   b.Input, part: int32(i), next: 1, done: make(chan error, 1), //nolint:gosec // few
			metadata: func() *sarama.ConsumerGroupMetadata { return b.Group },
		})
	}
	l.serve(ctx, requests)
	var errs []error
	for _, r := range requests {
		errs = append(errs, <-r.done)
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
	client, err := k.client()
	if err != nil {
		return err
	}
	defer func() { err = cmpOr(err, client.Close()) }()
	successor, err := newSuccessor(k, a.Group(), "test", a.Topics().Commands, nil, logger)
	if err != nil {
		return err
	}
	defer func() { err = cmpOr(err, successor.close()) }()
	r := &restorer[S, C, E]{agg: a.withDefaults(), client: client, dir: dir, successor: successor, options: storeOptions{logger: logger}, logger: logger}
	s, err := openStore(r.storeDir(0), r.identity(0), r.options)
	if err != nil {
		s, err = createStore(r.storeDir(0), r.identity(0), r.options, false)
	}
	if err != nil {
		return err
	}
	return cmpOr(r.catchUp(ctx, s, 0), s.close())
}

// asMember is the successor of a handler of a group, without the handler.
func asMember(k Kafka, group, input, instance string) (*successor, error) {
	return newSuccessor(k, group, instance, input, nil, slog.New(slog.DiscardHandler))
}

// CommittedOffset returns the offset that a group has committed for partition 0 of
// its commands, as a handler reads it when it takes over.
func CommittedOffset(ctx context.Context, k Kafka, group, input string) (int64, error) {
	s, err := asMember(k, group, input, "nobody")
	if err != nil {
		return 0, err
	}
	offset, _, err := s.committed(ctx, 0)
	return offset, cmpOr(err, s.close())
}

// FenceDeadOwners ends the transactions of dead handlers of a group, as one that
// has been given partitions does.
func FenceDeadOwners(ctx context.Context, k Kafka, group, input string) error {
	s, err := asMember(k, group, input, "nobody")
	if err != nil {
		return err
	}
	s.takeOver(ctx)
	return s.close()
}

// OwnerOf is the instance to which a transactional id of a group belongs, "" when
// it is of no lane of one.
func OwnerOf(group, id string) string {
	instance, ok := owner(group, id)
	if !ok {
		return ""
	}
	return instance
}

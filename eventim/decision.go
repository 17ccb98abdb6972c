package eventim

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/task"
)

// changed is a snapshot that a batch changed, and its encoded state.
type changed[S any] struct {
	Snapshot[S]
	payload Payload
}

// given is an answer, and its result while that is not written yet.
type given struct {
	answer
	result *sarama.ProducerMessage // nil: it is in Kafka
	digest commandDigest           // of its command, as the result has it
}

// batch decides commands one after the other, each on what those before it
// changed. It reads the committed state and changes nothing but itself, so
// that an aborted transaction costs no more than dropping it.
type batch[S, C, E any] struct {
	*task.Scope
	agg         *Aggregate[S, C, E]
	partitioner sarama.Partitioner // murmur2; costly to make

	snapshot func(aggregate string) (Snapshot[S], error)
	answer   func(commandKey) (answer, bool, error)
	results  func(offsets []int64) (map[int64]writtenResult, error) // by offset, without those that are gone
	crashed  func(cmd Record, reason any, stack []byte)
	errand   *task.Errand

	snapshots map[string]changed[S] // by aggregate
	answers   map[commandKey]given
	repeats   []repeat[S, E] // whose first answers are to be read
	observed  bool           // somebody wants to know of each answer
	noted     []Answered
}

// add decides one command. An error is a failure to read the state, never the
// command's fault.
func (b *batch[S, C, E]) add(rec Record) error {
	rec.Time = writable(rec.Time)
	cmd, err := b.agg.decodeCommand(rec)
	if why := b.misplaced(rec); why != nil {
		return b.fail(rec, cmd, CodeWrongPartition, why)
	}
	if standsFor(cmd.ID, rec.Topic, rec.Position) {
		cmd.ID, err = "", &InvalidError{Field: "ID", Reason: "is that of a command without one"}
	}
	digest := digestOf(rec)
	if first, found, storeErr := b.answered(cmd); storeErr != nil || found {
		if found {
			b.repeat(rec, cmd, digest, first)
			return nil
		}
		return storeErr
	}
	if err != nil {
		if c, ok := errors.AsType[*crash](err); ok {
			b.crashed(rec, c.reason, c.stack)
		}
		return b.fail(rec, cmd, codeOfUnreadable(err), err)
	}
	current, err := b.current(cmd.Aggregate)
	if err != nil {
		return err
	}
	out, reason := b.handle(rec, current, cmd, digest)
	if reason != nil {
		return b.fail(rec, cmd, failureOf(reason), reason)
	}
	b.accept(cmd, digest, out)
	return nil
}

func codeOfUnreadable(err error) string {
	if invalid, ok := errors.AsType[*InvalidError](err); ok && invalid.Field != "Payload" {
		return CodeInvalidEnvelope
	}
	return CodeUndecodable
}

// writable is the nearest time that RFC 3339 can express: a timestamp is
// whatever the sender said, and one of the year 292278994 would be written into
// records that nobody can read again.
func writable(t time.Time) time.Time {
	const year9999 = 253402300799999
	return time.UnixMilli(min(max(t.UnixMilli(), 0), year9999)).UTC()
}

// misplaced guards the rule on which everything rests: the key is the
// partition, so that commands of an aggregate are never concurrent. A sender
// with another partitioner would give one aggregate two histories.
func (b *batch[S, C, E]) misplaced(rec Record) error {
	m := &sarama.ProducerMessage{Key: sarama.ByteEncoder(rec.Key)}
	want, err := b.partitioner.Partition(m, b.agg.Partitions)
	if len(rec.Key) == 0 || err != nil || want == b.Partition {
		return nil //nolint:nilerr // no key, no place: it is undecodable
	}
	return fmt.Errorf("the key %q belongs to partition %d by murmur2, which Java clients use by default; configure the sender", rec.Key, want)
}

// answered looks for the first answer to the id of cmd inside the window. An id
// belongs to its aggregate: under it, another one has a command of its own.
func (b *batch[S, C, E]) answered(cmd Command[C]) (given, bool, error) {
	key := commandKey{cmd.Aggregate, cmd.ID}
	if !key.repeatable() {
		return given{}, false, nil
	}
	first, found := b.answers[key]
	if !found {
		var err error
		if first.answer, found, err = b.answer(key); err != nil {
			return given{}, false, err
		}
	}
	// Both clocks have to say so: a record of before the brokers stamped them has
	// the time of its sender.
	late := min(cmd.Time.UnixMilli(), b.Now.UnixMilli())
	expired := late-first.time > b.agg.Deduplication.Milliseconds()
	return first, found && !expired, nil
}

func (b *batch[S, C, E]) current(aggregate string) (Snapshot[S], error) {
	if c, ok := b.snapshots[aggregate]; ok {
		return c.Snapshot, nil
	}
	return b.snapshot(aggregate)
}

// outcome is what the domain decided, be it a rejection, and its records.
type outcome[S, E any] struct {
	Result[S, E]
	records []*sarama.ProducerMessage // the result first
	state   Payload
}

// handle runs the domain, its codecs included. What it panics with is returned
// as the reason.
func (b *batch[S, C, E]) handle(rec Record, current Snapshot[S], cmd Command[C], digest commandDigest) (out outcome[S, E], reason error) {
	defer func() {
		if p := recover(); p != nil {
			b.crashed(rec, p, debug.Stack())
			reason = fmt.Errorf("%w: %v", errPanicked, p)
		}
	}()
	b.errand.Begin("decide", cmd.Aggregate, cmd.ID, rec.Position.Offset)
	defer b.errand.End()
	current.Revision = b.agg.Revision
	if out.Result, reason = b.agg.handle(current, cmd, b.agg.State, b.agg.Events); reason == nil {
		out.records, out.state, reason = b.encode(out.Result, digest)
	}
	return out, reason
}

var (
	errPanicked       = errors.New("the decision panicked")
	errRecordTooLarge = errors.New("a record is too large")
)

// failureOf is the code of a reason why handle failed.
func failureOf(reason error) string {
	switch {
	case errors.Is(reason, errPanicked):
		return CodePanic
	case errors.Is(reason, errRecordTooLarge):
		return CodeTooLarge
	}
	return CodeUnencodable
}

// accept writes down what the domain decided.
func (b *batch[S, C, E]) accept(cmd Command[C], digest commandDigest, out outcome[S, E]) {
	b.note(&out.Result)
	b.Emit(out.records...)
	if out.Rejection == nil || !out.Rejection.ForNow {
		b.remember(cmd, digest, out.Version, out.records[0])
	}
	if len(out.Events) > 0 {
		if _, known := b.snapshots[cmd.Aggregate]; !known { // of which one is written
			b.Weigh(len(out.state.Data))
		}
		b.snapshots[cmd.Aggregate] = changed[S]{*out.Snapshot, out.state}
	}
}

func (b *batch[S, C, E]) note(res *Result[S, E]) {
	if b.observed {
		b.noted = append(b.noted, answeredOf(res))
	}
}

// encode returns the records of a result: the result first, then its events.
// The snapshot follows at the end of the batch, one for each aggregate.
func (b *batch[S, C, E]) encode(res Result[S, E], digest commandDigest) ([]*sarama.ProducerMessage, Payload, error) {
	var state Payload
	var events []Payload
	records := make([]*sarama.ProducerMessage, 1, 1+len(res.Events))
	for _, e := range res.Events {
		p, err := b.agg.Events.Encode(e.Payload)
		if err != nil {
			return nil, state, err
		}
		events = append(events, p)
		records = append(records, b.agg.encodeEvent(e, p))
	}
	var err error
	if res.Snapshot != nil {
		if state, err = b.agg.State.Encode(res.Snapshot.State); err != nil {
			return nil, state, err
		}
	}
	if records[0], err = b.agg.encodeResult(res, digest, events, state); err != nil {
		return nil, state, err
	}
	for _, m := range records {
		if !b.fits(m) {
			return nil, state, fmt.Errorf("%w: one for %s would have %d bytes, and the broker takes %d",
				errRecordTooLarge, m.Topic, m.ByteSize(2)+kafkalog.BatchOverhead, b.Limit)
		}
	}
	return records, state, nil
}

// remember keeps a first answer. Only what answered has not found comes here:
// whatever follows within the window repeats it, and never replaces it. The
// window counts from when it was answered, by the later of the broker's clock and
// ours, so that one that is wrong cannot make it shorter.
func (b *batch[S, C, E]) remember(cmd Command[C], digest commandDigest, version int64, result *sarama.ProducerMessage) {
	at := max(cmd.Time.UnixMilli(), b.Now.UnixMilli())
	b.answers[commandKey{cmd.Aggregate, cmd.ID}] = given{
		answer{time: at, version: version, size: int64(result.Value.Length()), check: digest.check()}, result, digest,
	}
}

// fail answers a command that cannot be handled: a failed result for whoever
// waits, and a dead letter with the original bytes for whoever mends it.
func (b *batch[S, C, E]) fail(rec Record, cmd Command[C], code string, reason error) error {
	if cmd.ID == "" { // nobody can ask for it, but it must not vanish
		cmd.ID = positionID(rec.Topic, rec.Position)
	}
	version, err := b.versionOf(cmd.Aggregate)
	if err != nil {
		return err
	}
	res := Result[S, E]{
		Command: cmd.ID, Aggregate: cmd.Aggregate, Outcome: Failed, Version: version, Time: rec.Time, Metadata: cmd.Metadata,
		Rejection: &Rejection{Code: code, Message: shortened(reason)}, CommandPosition: rec.Position,
	}
	digest := digestOf(rec)
	m, err := b.encodeFailure(&res, digest)
	if err != nil {
		return err
	}
	b.note(&res)
	b.Emit(m, b.deadLetter(rec, *res.Rejection))
	// Nobody can repeat what is answered under its position, and the ids of an
	// aggregate that is not ours are not ours to remember.
	key := commandKey{res.Aggregate, res.Command}
	if key.repeatable() && !standsFor(key.id, rec.Topic, rec.Position) && code != CodeWrongPartition {
		b.remember(cmd, digest, version, m)
	}
	return nil
}

// encodeFailure encodes a failed result. One that does not fit, because its
// command has a huge id, key or actor, would be aborted for ever: it leaves
// out, one after the other, what makes it large.
func (b *batch[S, C, E]) encodeFailure(res *Result[S, E], digest commandDigest) (m *sarama.ProducerMessage, err error) {
	for _, leaveOut := range []func(){
		func() {},
		func() {
			res.Command, res.Metadata = positionID(b.agg.Topics().Commands, res.CommandPosition), Metadata{}
		},
		func() { res.Aggregate = "" },
		func() {
			res.Rejection = &Rejection{Code: res.Rejection.Code, Message: "the reason does not fit into a record"}
		},
	} {
		leaveOut()
		if m, err = b.agg.encodeResult(*res, digest, nil, Payload{}); err != nil || b.fits(m) {
			break
		}
	}
	return m, err
}

func (b *batch[S, C, E]) fits(m *sarama.ProducerMessage) bool {
	return m.ByteSize(2)+kafkalog.BatchOverhead <= b.Limit
}

// shortened is the text of an error that may quote whatever was sent.
func shortened(err error) string {
	const limit = 1 << 10
	text := err.Error()
	if len(text) > limit {
		text = text[:limit] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

func (b *batch[S, C, E]) versionOf(aggregate string) (int64, error) {
	if aggregate == "" {
		return 0, nil
	}
	current, err := b.current(aggregate)
	return current.Version, err
}

// Headers of a dead letter, beside those of the original.
const (
	headerDeadLetterCode      = "deadletter-code"
	headerDeadLetterReason    = "deadletter-reason"
	headerDeadLetterTopic     = "deadletter-topic"
	headerDeadLetterPartition = "deadletter-partition"
	headerDeadLetterOffset    = "deadletter-offset"
	headerDeadLetterTruncated = "deadletter-truncated" // what is missing did not fit
)

func (b *batch[S, C, E]) deadLetter(rec Record, why Rejection) *sarama.ProducerMessage {
	h := newHeaders()
	original := make([]sarama.RecordHeader, 0, len(rec.Headers)+cap(h.list))
	for _, o := range rec.Headers {
		original = append(original, sarama.RecordHeader(*o))
	}
	h.add(headerDeadLetterCode, why.Code)
	h.add(headerDeadLetterReason, why.Message)
	h.add(headerDeadLetterTopic, rec.Topic)
	h.addInt(headerDeadLetterPartition, int64(rec.Position.Partition))
	h.addInt(headerDeadLetterOffset, rec.Position.Offset)
	h.addInt(headerCommandOffset, rec.Position.Offset)
	m := &sarama.ProducerMessage{Topic: b.agg.Topics().DeadLetters, Headers: append(original, h.list...)}
	if rec.Key != nil {
		m.Key = sarama.ByteEncoder(rec.Key)
	}
	if rec.Value != nil {
		m.Value = sarama.ByteEncoder(rec.Value)
	}
	if b.fits(m) {
		return m
	}
	// The commands topic still has it all, where the headers say.
	h.add(headerDeadLetterTruncated, "true")
	m.Headers, m.Value = append(original, h.list...), nil
	if !b.fits(m) {
		m.Headers = h.list
	}
	if !b.fits(m) {
		m.Key = nil
	}
	return m
}

// finish adds the answers to repeats, and one snapshot for each aggregate that
// changed, whose size is counted already.
func (b *batch[S, C, E]) finish() error {
	if err := b.answerRepeats(); err != nil {
		return err
	}
	for _, c := range b.snapshots {
		b.Fill(b.Hold(0), b.agg.encodeSnapshot(c.Snapshot, c.payload))
	}
	return nil
}

// keep writes down what was committed.
func (b *batch[S, C, E]) keep(write *tablesWrite) {
	for aggregate, c := range b.snapshots {
		write.setSnapshot(aggregate, storedFrom(c.Snapshot, c.payload))
	}
	for command, g := range b.answers {
		g.offset = g.result.Offset
		write.setAnswer(command, g.answer)
	}
}

// digestOf tells commands apart that share an id.
func digestOf(rec Record) commandDigest {
	b := make([]byte, 0, 256+len(rec.Key)+len(rec.Value))
	add := func(part []byte) { b = append(binary.BigEndian.AppendUint64(b, uint64(len(part))), part...) }
	add(rec.Key)
	for _, name := range []string{headerType, headerSchemaVersion, headerExpectedVersion} {
		add([]byte(rec.Header(name)))
	}
	add(rec.Value)
	sum := sha256.Sum256(b)
	return commandDigest(sum[:16])
}

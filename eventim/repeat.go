package eventim

import (
	"encoding/json"
	"slices"

	"github.com/IBM/sarama"
)

// repeat is the answer to a repeated command whose place among the records is
// kept until the first answer has been read.
type repeat[S, E any] struct {
	result Result[S, E]
	digest commandDigest
	first  answer
	place  int
}

// repeat answers a command that has been answered before: with the first answer
// when it is the same command, else with a rejection. Neither changes anything,
// and neither is remembered.
func (b *batch[S, C, E]) repeat(rec Record, cmd Command[C], digest commandDigest, first given) {
	res := Result[S, E]{
		Command: cmd.ID, Aggregate: cmd.Aggregate, Time: cmd.Time, Metadata: cmd.Metadata,
		Version: first.version, Replayed: true, CommandPosition: rec.Position,
	}
	switch {
	case first.check != digest.check():
		b.Emit(b.reused(res, digest))
	case first.result != nil:
		value, _ := first.result.Value.Encode() // cannot fail: they are bytes
		b.Emit(b.again(res, digest, writtenResult{first.digest, value}))
	default:
		b.repeats = append(b.repeats, repeat[S, E]{res, digest, first.answer, b.Hold(int(first.size))})
	}
}

// answerRepeats reads the first answers that repeats want, together and each of
// them once: after the offsets of a group were reset, all of a batch are such.
func (b *batch[S, C, E]) answerRepeats() error {
	if len(b.repeats) == 0 {
		return nil
	}
	offsets := make([]int64, 0, len(b.repeats))
	for _, r := range b.repeats {
		offsets = append(offsets, r.first.offset)
	}
	slices.Sort(offsets)
	results, err := b.results(slices.Compact(offsets))
	if err != nil {
		return err
	}
	for _, r := range b.repeats {
		b.Fill(r.place, b.again(r.result, r.digest, results[r.first.offset]))
	}
	return nil
}

// again is an answer once more. The first is zero when it is not kept any more. It
// has the whole digest of its command, of which the store has the beginning.
func (b *batch[S, C, E]) again(res Result[S, E], digest commandDigest, first writtenResult) *sarama.ProducerMessage {
	switch {
	case first.value == nil:
		return b.refusal(res, digest, Reject(CodeAnswerGone, "the command was handled, at version %d, but its result is not kept any more", res.Version))
	case first.digest != digest:
		return b.reused(res, digest)
	}
	var outcome struct{ Outcome Outcome }
	_ = json.Unmarshal(first.value, &outcome) // ours, encoded by encodeResult
	res.Outcome = outcome.Outcome
	m := message(b.agg.Topics().Results, res.Aggregate, first.value, b.agg.resultHeaders(res, digest))
	if !b.fits(m) {
		return b.refusal(res, digest, Reject(CodeTooLarge, "the first answer does not fit into a record any more"))
	}
	b.note(&res)
	return m
}

// reused answers a command whose id another one has.
func (b *batch[S, C, E]) reused(res Result[S, E], digest commandDigest) *sarama.ProducerMessage {
	return b.refusal(res, digest, Reject(CodeCommandIDReused, "the command id was used before, for another command"))
}

// refusal answers a repeat without the first answer.
func (b *batch[S, C, E]) refusal(res Result[S, E], digest commandDigest, why *Rejection) *sarama.ProducerMessage {
	res.Outcome, res.Rejection = Rejected, why
	b.note(&res)
	m, _ := b.agg.encodeResult(res, digest, nil, Payload{}) // cannot fail: strings and numbers
	if !b.fits(m) {
		res.Metadata = Metadata{}
		m, _ = b.agg.encodeResult(res, digest, nil, Payload{})
	}
	return m
}

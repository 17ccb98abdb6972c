package eventim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// DeadLetter is a command that could not be handled: it was answered as Failed, and is
// kept as it was sent.
type DeadLetter struct {
	// ID names it for as long as it is kept, in copies of the topics, too: the topic,
	// the partition and the offset of the command, such as invoice-commands/3:42.
	ID        string
	Time      time.Time // when it failed
	Command   string    // the id of the command; "" when it had none
	Type      string    // as the sender calls the command
	Aggregate string    // the key
	Metadata            // of the command
	Code      string
	Reason    string
	Truncated bool // not all of it did fit; the commands have the rest, for as long as they are kept

	// Attempts are what retries have come to that have not ended it, in order.
	Attempts []DeadLetterAttempt
	// Ending is what has become of it; nil while somebody has to look after it.
	Ending *DeadLetterEnding

	// Record is the command as it was sent; List leaves out its headers and its value.
	Record Record
	// Position is where the dead letter stands in the topic of the dead letters.
	Position Position

	digest                   commandDigest
	retryOf, number, retryBy string // of a retry that has failed: of what, which, and whose
}

// DeadLetterAttempt is a retry that was answered with no.
type DeadLetterAttempt struct {
	Number  int // counting from 0
	Command string
	By      string
	Time    time.Time
	Outcome Outcome // Rejected or Failed
	Code    string
	Reason  string
}

// DeadLetterState says how a dead letter has ended.
type DeadLetterState string

const (
	// DeadLetterRetried is one whose command was accepted in the end.
	DeadLetterRetried DeadLetterState = "retried"
	// DeadLetterDiscarded is one that somebody has given up.
	DeadLetterDiscarded DeadLetterState = "discarded"
)

// DeadLetterEnding is how a dead letter has ended, as it is on record.
type DeadLetterEnding struct {
	State   DeadLetterState
	By      string
	Time    time.Time
	Reason  string // of whoever discarded it
	Command string // that was accepted; "" of one that was discarded
	Version int64  // of the aggregate after it
}

// Headers of a command that is a retry, and so of its dead letter.
const (
	headerRetryOf = "ce_retryof" // the ID of the dead letter
	headerRetry   = "ce_retry"   // the number of the attempt
	headerRetryBy = "ce_retryby"
)

// last is the last header of a name: those of the sender stand before those of the
// handler, and may say anything.
func last(r Record, name string) string {
	for _, h := range slices.Backward(r.Headers) {
		if string(h.Key) == name {
			return string(h.Value)
		}
	}
	return ""
}

// deadLetterOf reads a dead letter; ok is false for a record that is none.
func deadLetterOf(rec Record) (d DeadLetter, ok bool) {
	code, topic := last(rec, headerDeadLetterCode), last(rec, headerDeadLetterTopic)
	partition, err := strconv.ParseInt(last(rec, headerDeadLetterPartition), 10, 32)
	offset, err2 := strconv.ParseInt(last(rec, headerDeadLetterOffset), 10, 64)
	if code == "" || topic == "" || err != nil || err2 != nil || partition < 0 || offset < 0 {
		return d, false
	}
	at := Position{int32(partition), offset}
	d = DeadLetter{
		ID: positionID(topic, at), Time: rec.Time, Code: code, Reason: last(rec, headerDeadLetterReason),
		Truncated: last(rec, headerDeadLetterTruncated) != "", Position: rec.Position, Record: sent(rec, topic, at),
	}
	d.Command, d.Type, d.Metadata = d.Record.Header(headerID), d.Record.Header(headerType), metadataOf(d.Record)
	d.Aggregate, d.digest = string(rec.Key), digestOf(d.Record)
	d.retryOf, d.number, d.retryBy = last(d.Record, headerRetryOf), last(d.Record, headerRetry), last(d.Record, headerRetryBy)
	return d, true
}

// sent is the command of a dead letter as it was sent, without what the handler added.
func sent(rec Record, topic string, at Position) Record {
	end := len(rec.Headers)
	for end > 0 && ofHandler(string(rec.Headers[end-1].Key)) {
		end--
	}
	return Record{Topic: topic, Position: at, Time: rec.Time, Key: rec.Key, Value: rec.Value, Headers: rec.Headers[:end:end]}
}

func ofHandler(name string) bool {
	return strings.HasPrefix(name, "deadletter-") || name == headerCommandOffset
}

// attempts is a namespace for the ids of retries.
var attempts = uuid.MustParse("5f0f6a0e-6f0a-4f0b-9d55-3f0e8f1d7c42")

// commandOf is the id of the command that is the n-th retry: whoever retries sends the
// same, and so it takes effect once. A command that stood in a wrong partition has taken
// up no id, and keeps its own: its sender may have sent it again.
func (d *DeadLetter) commandOf(n int) string {
	if n == 0 && d.Code == CodeWrongPartition && ValidID(d.Command) {
		return d.Command
	}
	return uuid.NewSHA1(attempts, fmt.Appendf(nil, "%s %q %s %d", d.ID, d.Command, d.digest, n)).String()
}

// next is the number of the attempt that comes: one that has got an answer is over.
func (d *DeadLetter) next() int {
	if len(d.Attempts) == 0 {
		return 0
	}
	return d.Attempts[len(d.Attempts)-1].Number + 1
}

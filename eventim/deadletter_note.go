package eventim

import (
	"encoding/json"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
)

// Headers of a note: whatever else stands in the topic of the dead letters says what
// has become of one. It is written behind the dead letter in the same partition, so
// that retention never takes it first.
const (
	headerNoteOf     = "deadletter-id"
	headerNoteDigest = "deadletter-digest" // of the command, which tells topics apart that were made anew
)

// deadLetterNote is the value of a note.
type deadLetterNote struct {
	State   DeadLetterState `json:"state"` // or rejected: an attempt that was
	By      string          `json:"by,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Attempt int             `json:"attempt,omitempty"`
	Command string          `json:"command,omitempty"`
	Code    string          `json:"code,omitempty"`
	Version int64           `json:"version,omitempty"`

	of, digest string
	at         time.Time
}

const noteRejected DeadLetterState = "rejected"

var noteTypes = map[DeadLetterState]string{
	DeadLetterRetried: "DeadLetterRetried", DeadLetterDiscarded: "DeadLetterDiscarded", noteRejected: "DeadLetterRetryRejected",
}

// noteOf reads a note; ok is false for a record that is none.
func noteOf(rec Record) (n deadLetterNote, ok bool) {
	if json.Unmarshal(rec.Value, &n) != nil {
		return n, false
	}
	n.of, n.digest, n.at = rec.Header(headerNoteOf), rec.Header(headerNoteDigest), rec.Time
	return n, n.of != "" && n.digest != "" && noteTypes[n.State] != "" && n.Attempt >= 0
}

// encodeNote is the record of what has become of a dead letter.
func (d *DeadLetter) encodeNote(source, topic string, n deadLetterNote, at time.Time) (*sarama.ProducerMessage, error) {
	value, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	h := cloudEvent(uuid.NewString(), noteTypes[n.State], source, "", at)
	h.add(headerNoteOf, d.ID)
	h.add(headerNoteDigest, d.digest.String())
	m := message(topic, string(d.Record.Key), value, h)
	m.Partition, m.Timestamp = d.Position.Partition, at
	return m, nil
}

package eventim

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/eventim-go/eventim/internal/dedup"
)

// commandKey identifies a command. A command id belongs to its aggregate: the
// same id for two aggregates is two commands.
type commandKey struct{ aggregate, id string }

// repeatable tells whether there can be a repeat: a command without an id, or
// without an aggregate to which the id belongs, is like no other.
func (k commandKey) repeatable() bool { return k.aggregate != "" && k.id != "" }

// commandDigest is a digest of what a command asks for, see digestOf. The zero
// digest is that of no command.
type commandDigest [16]byte

// String is the digest as the header ce_commanddigest has it.
func (d commandDigest) String() string { return hex.EncodeToString(d[:]) }

// parseDigest reads what String wrote; anything else is the zero digest.
func parseDigest(text []byte) (d commandDigest) {
	if b, err := hex.DecodeString(string(text)); err == nil && len(b) == len(d) {
		d = commandDigest(b)
	}
	return d
}

// check is what the store keeps of a digest: with it, a repeat of something else is
// nearly always known without a look at the result.
func (d commandDigest) check() dedup.Check { return dedup.Check(d[:]) }

// answer is the recorded answer to a command.
type answer struct {
	time    int64 // when it was given, in Unix milliseconds
	version int64
	offset  int64 // of the result, which is read again when the command is repeated
	size    int64 // bytes of the value of the result
	check   dedup.Check
}

func (a answer) entry() dedup.Entry {
	return dedup.Entry{Time: a.time, Version: a.version, Offset: a.offset, Size: a.size, Check: a.check}
}

func answerFrom(e dedup.Entry) answer {
	return answer{time: e.Time, version: e.Version, offset: e.Offset, size: e.Size, check: e.Check}
}

// stored is the key of an answer in the store.
func (k commandKey) stored() dedup.ID { return dedup.IDOf(k.aggregate, k.id) }

// answerOf takes what the store keeps of a result record; ok is false for a
// record that is not the first answer to its command, or one for now, or is that
// to a command of the topic that nobody can repeat, or to one in a foreign
// partition.
func answerOf(topic string, rec Record) (command commandKey, a answer, ok bool, err error) {
	r := reader{Record: rec}
	command.aggregate = string(rec.Key)
	a = answer{version: -1, offset: rec.Position.Offset, size: int64(len(rec.Value))}
	at, failed := Position{rec.Position.Partition, -1}, false
	for _, h := range rec.Headers { // once, since a restore does little else
		switch string(h.Key) {
		case headerReplay, headerForNow:
			if len(h.Value) > 0 {
				return commandKey{}, answer{}, false, nil
			}
		case headerType:
			failed = string(h.Value) == failedType
		case headerVersion:
			a.version = r.count(headerVersion, h.Value)
		case headerTime:
			a.time = max(r.timeOf(h.Value).UnixMilli(), rec.Time.UnixMilli())
		case headerCommandDigest:
			a.check = parseDigest(h.Value).check()
		case headerCommandID:
			command.id = string(h.Value)
		case headerCommandOffset:
			at.Offset = r.count(headerCommandOffset, h.Value)
		}
	}
	if command.id == "" || a.version < 0 {
		r.fail(errors.New("a header of a result is missing"))
	}
	ok = command.repeatable() && !standsFor(command.id, topic, at) && (!failed || !isMisplaced(rec.Value))
	return command, a, ok, r.err()
}

// positionID stands for the id of a command that has none that can be used.
func positionID(topic string, p Position) string { return topic + "/" + p.String() }

// standsFor tells whether an id is that of the position p.
func standsFor(id, topic string, p Position) bool {
	return strings.HasPrefix(id, topic) && id == positionID(topic, p)
}

var failedType = resultType(Failed)

// isMisplaced tells whether the value of a failed result is that of a command in
// a foreign partition.
func isMisplaced(value []byte) bool {
	var v struct{ Code string }
	return json.Unmarshal(value, &v) == nil && v.Code == CodeWrongPartition
}

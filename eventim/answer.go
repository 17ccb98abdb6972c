package eventim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
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

// answer is the recorded answer to a command.
type answer struct {
	time    int64 // when it was given, in Unix milliseconds
	version int64
	offset  int64 // of the result, which is read again when the command is repeated
	size    int64 // bytes of the value of the result
	digest  commandDigest
}

func (a answer) appendTo(b []byte) []byte {
	b = append(b, 2) // format
	b = binary.AppendVarint(b, a.time)
	b = binary.AppendVarint(b, a.version)
	b = binary.AppendVarint(b, a.offset)
	b = binary.AppendVarint(b, a.size)
	return append(b, a.digest[:]...)
}

func decodeAnswer(b []byte) (answer, error) {
	d := decoder{rest: b}
	d.format(2)
	a := answer{time: d.varint(), version: d.varint(), offset: d.varint(), size: d.varint()}
	if d.err == nil && len(d.rest) != len(a.digest) {
		d.err = errStored
	}
	copy(a.digest[:], d.rest)
	return a, d.err
}

// answerID is the key of an answer in the store, of one size whatever was sent:
// the beginning of the command id, so that ids that rise with time, such as
// UUIDv7, stay together, which halves what looking up and adding cost, and a
// digest of the command's key.
type answerID [answerIDPrefix + 16]byte

const answerIDPrefix = 12

func (k commandKey) stored() (id answerID) {
	b := make([]byte, 0, 128)
	b = append(appendString(b, k.aggregate), k.id...)
	sum := sha256.Sum256(b)
	copy(id[:answerIDPrefix], k.id)
	copy(id[answerIDPrefix:], sum[:])
	return id
}

func (id answerID) appendTo(b []byte) []byte { return append(b, id[:]...) }

// appendAnswered appends a key that sorts by time.
func (id answerID) appendAnswered(b []byte, at int64) []byte {
	return id.appendTo(append(b, answeredBefore(at)...))
}

// answeredBefore is above the keys of what was answered before at, and below
// all others. Times before 1970 count as 1970.
func answeredBefore(at int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyAnswered}, uint64(max(at, 0)))
}

func parseAnswered(key []byte) (at int64, id answerID) {
	copy(id[:], key[9:])
	return int64(binary.BigEndian.Uint64(key[1:9])), id
}

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
			a.digest = parseDigest(h.Value)
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

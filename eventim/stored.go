package eventim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/eventim-go/eventim/internal/statestore"
)

// storedSnapshot is a snapshot as it stands in the state store: not decoded,
// since restoring a million of them must not parse a million states.
type storedSnapshot struct {
	version       int64
	revision      int
	schemaVersion int
	time          int64 // Unix milliseconds
	commandOffset int64
	typ, command  string
	data          []byte
}

var errStored = fmt.Errorf("%w: a value cannot be read", statestore.ErrBroken)

func (v storedSnapshot) appendTo(b []byte) []byte { return append(v.appendHead(b), v.data...) }

// appendHead appends all but the data, which comes last.
func (v storedSnapshot) appendHead(b []byte) []byte {
	b = append(b, 1) // format
	b = binary.AppendVarint(b, v.version)
	b = binary.AppendVarint(b, int64(v.revision))
	b = binary.AppendVarint(b, int64(v.schemaVersion))
	b = binary.AppendVarint(b, v.time)
	b = binary.AppendVarint(b, v.commandOffset)
	b = appendString(b, v.typ)
	return appendString(b, v.command)
}

func decodeStoredSnapshot(b []byte) (storedSnapshot, error) {
	d := decoder{rest: b}
	d.format(1)
	v := storedSnapshot{
		version: d.varint(), revision: int(d.varint()), schemaVersion: int(d.varint()), time: d.varint(),
		commandOffset: d.varint(), typ: d.string(), command: d.string(),
	}
	v.data = append([]byte(nil), d.rest...)
	return v, d.err
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decoder reads what the encoders above wrote, and remembers a failure.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) format(want byte) {
	if len(d.rest) == 0 || d.rest[0] != want {
		d.err = errStored
		return
	}
	d.rest = d.rest[1:]
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.err = errStored
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) string() string {
	l, n := binary.Uvarint(d.rest)
	if n <= 0 || l > uint64(len(d.rest)-n) {
		d.err = errStored
		return ""
	}
	s := string(d.rest[n : n+int(l)])
	d.rest = d.rest[n+int(l):]
	return s
}

func stringKey(kind byte, id string) []byte {
	return append(append(make([]byte, 0, 1+len(id)), kind), id...)
}

// storedOf takes what the store keeps of a snapshot record.
func storedOf(rec Record) (storedSnapshot, error) {
	r := reader{Record: rec}
	v := storedSnapshot{version: -1, revision: -1, schemaVersion: -1, commandOffset: -1, data: rec.Value}
	for _, h := range rec.Headers { // once, since a restore does little else
		switch string(h.Key) {
		case headerVersion:
			v.version = r.count(headerVersion, h.Value)
		case headerRevision:
			v.revision = int(r.count(headerRevision, h.Value))
		case headerSchemaVersion:
			v.schemaVersion = int(r.count(headerSchemaVersion, h.Value))
		case headerCommandOffset:
			v.commandOffset = r.count(headerCommandOffset, h.Value)
		case headerTime:
			v.time = r.timeOf(h.Value).UnixMilli()
		case headerType:
			v.typ = string(h.Value)
		case headerCommandID:
			v.command = string(h.Value)
		}
	}
	if min(v.version, int64(v.revision), int64(v.schemaVersion), v.commandOffset) < 0 {
		r.fail(errors.New("a header of a snapshot is missing"))
	}
	return v, r.err()
}

func (v storedSnapshot) payload() Payload {
	return Payload{Type: v.typ, SchemaVersion: v.schemaVersion, Data: v.data}
}

// snapshotOf decodes the whole state of a stored snapshot, which will be written
// again.
func (a *Aggregate[S, C, E]) snapshotOf(aggregate string, partition int32, v storedSnapshot) (Snapshot[S], error) {
	state, err := DecodeWhole(a.State, v.payload())
	return Snapshot[S]{
		Aggregate: aggregate, Version: v.version, Revision: v.revision, Time: timeOf(v.time),
		Command: v.command, CommandPosition: Position{partition, v.commandOffset}, State: state,
	}, err
}

func storedFrom[S any](s Snapshot[S], p Payload) storedSnapshot {
	return storedSnapshot{
		version: s.Version, revision: s.Revision, schemaVersion: p.SchemaVersion, time: s.Time.UnixMilli(),
		commandOffset: s.CommandPosition.Offset, typ: p.Type, command: s.Command, data: p.Data,
	}
}

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

package eventim

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

// Record is a Kafka record, as it was read. Its headers are those of the
// CloudEvents 1.0 Kafka binding in binary mode.
type Record struct {
	Topic    string
	Position Position
	Time     time.Time // the record timestamp
	Key      []byte
	Value    []byte
	Headers  []*Header
}

// Header is one header of a Record. A record may have several of one key.
type Header struct{ Key, Value []byte }

// recordOfMessage is a message of a consumer.
func recordOfMessage(m *sarama.ConsumerMessage) Record {
	return Record{
		Topic: m.Topic, Position: Position{m.Partition, m.Offset}, Time: m.Timestamp.UTC(),
		Key: m.Key, Value: m.Value, Headers: headersOf(m.Headers),
	}
}

// headersOf copies no header, only where they are: a restore does little else.
func headersOf(list []*sarama.RecordHeader) []*Header {
	headers := make([]*Header, len(list))
	for i, h := range list {
		headers[i] = (*Header)(h)
	}
	return headers
}

// Header returns the value of the first header with that key, "" when there is
// none.
func (r Record) Header(name string) string {
	for _, h := range r.Headers {
		if string(h.Key) == name {
			return string(h.Value)
		}
	}
	return ""
}

// Names of the headers. Attributes of CloudEvents 1.0 and extensions of it;
// extension names are lower-case letters and digits only.
const (
	headerSpecVersion     = "ce_specversion"
	headerID              = "ce_id"
	headerType            = "ce_type"
	headerSource          = "ce_source"
	headerSubject         = "ce_subject"
	headerTime            = "ce_time"
	headerContentType     = "content-type"
	headerSchemaVersion   = "ce_schemaversion"
	headerVersion         = "ce_version"         // of the aggregate
	headerExpectedVersion = "ce_expectedversion" // of a command
	headerRevision        = "ce_staterevision"   // of a snapshot
	headerCommandID       = "ce_commandid"
	headerCommandOffset   = "ce_commandoffset" // the partition is the record's own
	headerCommandDigest   = "ce_commanddigest" // of a result: tells a repeat from a reused id
	headerReplay          = "ce_replay"        // of a result: not the first answer to its command id
	headerForNow          = "ce_fornow"        // of a result: its command takes up no id
	headerOrigin          = "ce_originid"
	headerActor           = "ce_actor"
	headerCorrelation     = "ce_correlationid"
	headerCausation       = "ce_causationid"
	headerTraceparent     = "traceparent"
)

const jsonContent = "application/json"

// headers builds the headers of one record; empty values are left out. Names
// and values stand in one array of bytes: a handler writes some fifty headers
// for each command.
type headers struct {
	list  []sarama.RecordHeader
	bytes []byte
}

func newHeaders() headers {
	return headers{make([]sarama.RecordHeader, 0, 18), make([]byte, 0, 640)}
}

func (h *headers) add(name, value string) {
	if value != "" {
		h.append(name, func(b []byte) []byte { return append(b, value...) })
	}
}

func (h *headers) addInt(name string, value int64) {
	h.append(name, func(b []byte) []byte { return strconv.AppendInt(b, value, 10) })
}

func (h *headers) addTime(name string, at time.Time) {
	h.append(name, func(b []byte) []byte { return at.UTC().AppendFormat(b, time.RFC3339Nano) })
}

func (h *headers) append(name string, value func([]byte) []byte) {
	begin := len(h.bytes)
	h.bytes = append(h.bytes, name...)
	middle := len(h.bytes)
	h.bytes = value(h.bytes)
	end := len(h.bytes)
	h.list = append(h.list, sarama.RecordHeader{Key: h.bytes[begin:middle:middle], Value: h.bytes[middle:end:end]})
}

func (h *headers) addMetadata(m Metadata) {
	h.add(headerOrigin, m.Origin)
	h.add(headerActor, m.Actor)
	h.add(headerCorrelation, m.Correlation)
	h.add(headerCausation, m.Causation)
	h.add(headerTraceparent, m.Traceparent)
}

func cloudEvent(id, typ, source, subject string, at time.Time) headers {
	h := newHeaders()
	h.add(headerSpecVersion, "1.0")
	h.add(headerID, id)
	h.add(headerType, typ)
	h.add(headerSource, source)
	h.add(headerSubject, subject)
	h.addTime(headerTime, at)
	h.add(headerContentType, jsonContent)
	return h
}

func metadataOf(r Record) Metadata {
	return Metadata{
		Origin: r.Header(headerOrigin), Actor: r.Header(headerActor), Correlation: r.Header(headerCorrelation),
		Causation: r.Header(headerCausation), Traceparent: r.Header(headerTraceparent),
	}
}

// reader reads typed headers of a record and keeps the errors.
type reader struct {
	Record
	errs []error
}

func (r *reader) int(name string) int64 { return r.count(name, []byte(r.Header(name))) }

func (r *reader) count(name string, value []byte) int64 {
	v, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || v < 0 {
		r.fail(fmt.Errorf("header %s is %q, not a count", name, value))
		return 0
	}
	return v
}

func (r *reader) time() time.Time { return r.timeOf([]byte(r.Header(headerTime))) }

func (r *reader) timeOf(value []byte) time.Time {
	t, err := time.Parse(time.RFC3339Nano, string(value))
	if err != nil {
		r.fail(fmt.Errorf("header %s is %q, not a time of RFC 3339", headerTime, value))
	}
	return t.UTC()
}

func (r *reader) commandPosition() Position {
	return Position{r.Position.Partition, r.int(headerCommandOffset)}
}

func (r *reader) payload() Payload {
	return Payload{Type: r.Header(headerType), SchemaVersion: int(r.int(headerSchemaVersion)), Data: r.Value}
}

func (r *reader) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%s %s: %w", r.Topic, r.Position, errors.Join(r.errs...))
}

func (r *reader) fail(err error) {
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

func (a *Aggregate[S, C, E]) encodeCommand(cmd Command[C]) (*sarama.ProducerMessage, error) {
	p, err := a.Commands.Encode(cmd.Payload)
	if err != nil {
		return nil, err
	}
	h := cloudEvent(cmd.ID, p.Type, "/"+a.Name+"/commands", cmd.Aggregate, cmd.Time)
	h.addInt(headerSchemaVersion, int64(p.SchemaVersion))
	if cmd.Expected != nil {
		h.addInt(headerExpectedVersion, *cmd.Expected)
	}
	h.addMetadata(cmd.Metadata)
	return message(a.Topics().Commands, cmd.Aggregate, p.Data, h), nil
}

func (a *Aggregate[S, C, E]) decodeCommand(rec Record) (Command[C], error) {
	r := reader{Record: rec}
	cmd := Command[C]{
		ID: r.Header(headerID), Aggregate: string(r.Key), Metadata: metadataOf(rec),
		Time: rec.Time.UTC(), Position: rec.Position,
	}
	cmd.Traceparent = validTraceparent(cmd.Traceparent)
	if text := r.Header(headerExpectedVersion); text != "" {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			v = -1
		}
		cmd.Expected = &v
	}
	err := cmd.Check()
	if err != nil {
		cmd.blank(err)
	} else {
		cmd.Payload, err = decodeStrictly(a.Commands, r.payload())
	}
	cmd.Correlation = cmp.Or(cmd.Correlation, cmd.ID)
	r.fail(err)
	return cmd, r.err()
}

func (a *Aggregate[S, C, E]) encodeEvent(e Event[E], p Payload) *sarama.ProducerMessage {
	h := cloudEvent(e.ID(), p.Type, "/"+a.Name+"/events", e.Aggregate, e.Time)
	h.addInt(headerSchemaVersion, int64(p.SchemaVersion))
	h.addInt(headerVersion, e.Version)
	h.add(headerCommandID, e.Command)
	h.addInt(headerCommandOffset, e.CommandPosition.Offset)
	h.addMetadata(e.Metadata)
	return message(a.Topics().Events, e.Aggregate, p.Data, h)
}

func (a *Aggregate[S, C, E]) decodeEvent(rec Record) (Event[E], error) {
	return a.readEvent(rec, a.Events.Decode)
}

// decodeHistory decodes an event of which a state is made.
func (a *Aggregate[S, C, E]) decodeHistory(rec Record) (Event[E], error) {
	return a.readEvent(rec, func(p Payload) (E, error) { return DecodeWhole(a.Events, p) })
}

func (a *Aggregate[S, C, E]) readEvent(rec Record, decode func(Payload) (E, error)) (Event[E], error) {
	r := reader{Record: rec}
	e := Event[E]{
		Aggregate: string(r.Key), Version: r.int(headerVersion), Time: r.time(), Command: r.Header(headerCommandID),
		Metadata: metadataOf(rec), CommandPosition: r.commandPosition(), Position: rec.Position,
	}
	var err error
	e.Payload, err = readBy(decode, r.payload())
	r.fail(err)
	return e, r.err()
}

func (a *Aggregate[S, C, E]) encodeSnapshot(s Snapshot[S], p Payload) *sarama.ProducerMessage {
	h := cloudEvent(eventID(s.Aggregate, s.Version), p.Type, "/"+a.Name+"/snapshots", s.Aggregate, s.Time)
	h.addInt(headerSchemaVersion, int64(p.SchemaVersion))
	h.addInt(headerVersion, s.Version)
	h.addInt(headerRevision, int64(s.Revision))
	h.add(headerCommandID, s.Command)
	h.addInt(headerCommandOffset, s.CommandPosition.Offset)
	return message(a.Topics().Snapshots, s.Aggregate, p.Data, h)
}

func (a *Aggregate[S, C, E]) decodeSnapshot(rec Record) (Snapshot[S], error) {
	r := reader{Record: rec}
	s := Snapshot[S]{
		Aggregate: string(r.Key), Version: r.int(headerVersion), Revision: int(r.int(headerRevision)), Time: r.time(),
		Command: r.Header(headerCommandID), CommandPosition: r.commandPosition(), Position: rec.Position,
	}
	var err error
	s.State, err = readBy(a.State.Decode, r.payload())
	r.fail(err)
	return s, r.err()
}

func message(topic, key string, value []byte, h headers) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(value), Headers: h.list}
	if key != "" {
		m.Key = sarama.StringEncoder(key)
	}
	return m
}

// CommandPosition is the position of the command that caused r, as the handler
// writes it; ok is false for a record that carries none.
func (r Record) CommandPosition() (p Position, ok bool) {
	offset, err := strconv.ParseInt(r.Header(headerCommandOffset), 10, 64)
	return Position{r.Position.Partition, offset}, err == nil
}

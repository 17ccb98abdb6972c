package eventim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	Headers  []*sarama.RecordHeader
}

// RecordOf returns the record of a message of a sarama consumer.
func RecordOf(m *sarama.ConsumerMessage) Record {
	return Record{
		Topic: m.Topic, Position: Position{m.Partition, m.Offset}, Time: m.Timestamp.UTC(),
		Key: m.Key, Value: m.Value, Headers: m.Headers,
	}
}

// Header returns the value of the first header of that name, "" when there is
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
	headerOrigin          = "ce_originid"
	headerActor           = "ce_actor"
	headerCorrelation     = "ce_correlationid"
	headerCausation       = "ce_causationid"
	headerTraceparent     = "traceparent"
)

const jsonContent = "application/json"

// headers builds the headers of one record; empty values are left out.
type headers []sarama.RecordHeader

func (h *headers) add(name, value string) {
	if value != "" {
		*h = append(*h, sarama.RecordHeader{Key: []byte(name), Value: []byte(value)})
	}
}

func (h *headers) addInt(name string, value int64) { h.add(name, strconv.FormatInt(value, 10)) }

func (h *headers) addMetadata(m Metadata) {
	h.add(headerOrigin, m.Origin)
	h.add(headerActor, m.Actor)
	h.add(headerCorrelation, m.Correlation)
	h.add(headerCausation, m.Causation)
	h.add(headerTraceparent, m.Traceparent)
}

func cloudEvent(id, typ, source, subject string, at time.Time) headers {
	h := make(headers, 0, 18)
	h.add(headerSpecVersion, "1.0")
	h.add(headerID, id)
	h.add(headerType, typ)
	h.add(headerSource, source)
	h.add(headerSubject, subject)
	h.add(headerTime, at.UTC().Format(time.RFC3339Nano))
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

func (r *reader) time() time.Time { return r.timeOf(r.Header(headerTime)) }

func (r *reader) timeOf(value string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, value)
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

// text refuses what a database or a log cannot hold as text.
func (r *reader) text(what, value string) {
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		r.fail(fmt.Errorf("%s %q is not text in UTF-8 without control characters", what, value))
	}
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
	if cmd.ID == "" {
		r.fail(errors.New("header ce_id, the command id, is missing"))
	}
	if cmd.Aggregate == "" {
		r.fail(errors.New("the record key, the aggregate id, is empty"))
	}
	r.text("the command id", cmd.ID)
	r.text("the aggregate id", cmd.Aggregate)
	r.text("the metadata", cmd.Origin+cmd.Actor+cmd.Correlation+cmd.Causation+cmd.Traceparent)
	if r.Header(headerExpectedVersion) != "" {
		cmd.Expected = new(r.int(headerExpectedVersion))
	}
	if cmd.Correlation == "" {
		cmd.Correlation = cmd.ID
	}
	var err error
	cmd.Payload, err = a.Commands.Decode(r.payload())
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
	r := reader{Record: rec}
	e := Event[E]{
		Aggregate: string(r.Key), Version: r.int(headerVersion), Time: r.time(), Command: r.Header(headerCommandID),
		Metadata: metadataOf(rec), CommandPosition: r.commandPosition(), Position: rec.Position,
	}
	var err error
	e.Payload, err = a.Events.Decode(r.payload())
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
	s.State, err = a.State.Decode(r.payload())
	r.fail(err)
	return s, r.err()
}

// resultValue is the value of a result record.
type resultValue struct {
	Outcome  Outcome        `json:"outcome"`
	Version  int64          `json:"version"`
	Code     string         `json:"code,omitempty"`
	Message  string         `json:"message,omitempty"`
	Events   []payloadValue `json:"events,omitempty"`
	Snapshot *payloadValue  `json:"snapshot,omitempty"`
}

// payloadValue is an event or a snapshot inside a result.
type payloadValue struct {
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schemaVersion"`
	Version       int64           `json:"version"`
	Revision      int             `json:"revision,omitempty"`
	Time          time.Time       `json:"time"`
	Command       string          `json:"command"`
	CommandOffset int64           `json:"commandOffset"`
	Data          json.RawMessage `json:"data"`
}

func (v payloadValue) payload() Payload {
	return Payload{Type: v.Type, SchemaVersion: v.SchemaVersion, Data: v.Data}
}

// encodeResult encodes the answer of a command whose digest is given. The
// payloads are those of its events and its snapshot, encoded once for all the
// records that carry them.
func (a *Aggregate[S, C, E]) encodeResult(res Result[S, E], digest string, events []Payload, snapshot Payload) (*sarama.ProducerMessage, error) {
	v := resultValue{Outcome: res.Outcome, Version: res.Version}
	if res.Rejection != nil {
		v.Code, v.Message = res.Rejection.Code, res.Rejection.Message
	}
	for i, e := range res.Events {
		v.Events = append(v.Events, payloadValue{
			Type: events[i].Type, SchemaVersion: events[i].SchemaVersion, Version: e.Version,
			Time: e.Time, Command: e.Command, CommandOffset: e.CommandPosition.Offset, Data: events[i].Data,
		})
	}
	if s := res.Snapshot; s != nil {
		v.Snapshot = &payloadValue{
			Type: snapshot.Type, SchemaVersion: snapshot.SchemaVersion, Version: s.Version, Revision: s.Revision,
			Time: s.Time, Command: s.Command, CommandOffset: s.CommandPosition.Offset, Data: snapshot.Data,
		}
	}
	value, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return message(a.Topics().Results, res.Aggregate, value, a.resultHeaders(res, digest)), nil
}

func (a *Aggregate[S, C, E]) resultHeaders(res Result[S, E], digest string) headers {
	h := cloudEvent(res.Command, "Command"+title(res.Outcome), "/"+a.Name+"/results", res.Aggregate, res.Time)
	h.addInt(headerVersion, res.Version)
	h.add(headerCommandID, res.Command)
	h.addInt(headerCommandOffset, res.CommandPosition.Offset)
	h.add(headerCommandDigest, digest)
	if res.Replayed {
		h.add(headerReplay, "true")
	}
	h.addMetadata(res.Metadata)
	return h
}

func title(o Outcome) string { return string(o[0]-'a'+'A') + string(o[1:]) }

func (a *Aggregate[S, C, E]) decodeResult(rec Record) (Result[S, E], error) {
	r := reader{Record: rec}
	res := Result[S, E]{
		Command: r.Header(headerCommandID), Aggregate: string(r.Key), Time: r.time(), Metadata: metadataOf(rec),
		Replayed:        r.Header(headerReplay) != "",
		CommandPosition: r.commandPosition(), Position: rec.Position,
	}
	r.fail(a.decodeResultValue(rec.Value, &res))
	return res, r.err()
}

func (a *Aggregate[S, C, E]) decodeResultValue(value []byte, res *Result[S, E]) error {
	var v resultValue
	if err := json.Unmarshal(value, &v); err != nil {
		return fmt.Errorf("decode result: %w", err)
	}
	res.Outcome, res.Version = v.Outcome, v.Version
	if v.Outcome != Accepted {
		res.Rejection = &Rejection{v.Code, v.Message}
	}
	partition := res.CommandPosition.Partition
	for _, e := range v.Events {
		payload, err := a.Events.Decode(e.payload())
		if err != nil {
			return err
		}
		event := Event[E]{
			Aggregate: res.Aggregate, Version: e.Version, Time: e.Time, Command: e.Command, Metadata: res.Metadata,
			CommandPosition: Position{partition, e.CommandOffset}, Payload: payload,
		}
		event.Causation = e.Command
		res.Events = append(res.Events, event)
	}
	if v.Snapshot == nil {
		return nil
	}
	s := v.Snapshot
	state, err := a.State.Decode(s.payload())
	if err != nil {
		return err
	}
	res.Snapshot = &Snapshot[S]{
		Aggregate: res.Aggregate, Version: s.Version, Revision: s.Revision, Time: s.Time, Command: s.Command,
		CommandPosition: Position{partition, s.CommandOffset}, State: state,
	}
	return nil
}

func message(topic, key string, value []byte, h headers) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(value), Headers: h}
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

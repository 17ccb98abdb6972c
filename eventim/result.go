package eventim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

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

// appendTo appends v as JSON, as encoding/json would. The payloads are JSON
// already, and large: encoding/json would read each of them again, twice.
func (v resultValue) appendTo(b []byte) []byte {
	b = append(b, `{"outcome":`...)
	b = appendJSON(b, string(v.Outcome))
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, v.Version, 10)
	b = appendField(b, `,"code":`, v.Code)
	b = appendField(b, `,"message":`, v.Message)
	for i, e := range v.Events {
		if i == 0 {
			b = append(b, `,"events":[`...)
		} else {
			b = append(b, ',')
		}
		b = e.appendTo(b)
	}
	if len(v.Events) > 0 {
		b = append(b, ']')
	}
	if v.Snapshot != nil {
		b = append(b, `,"snapshot":`...)
		b = v.Snapshot.appendTo(b)
	}
	return append(b, '}')
}

func (v payloadValue) appendTo(b []byte) []byte {
	b = append(b, `{"type":`...)
	b = appendJSON(b, v.Type)
	b = append(b, `,"schemaVersion":`...)
	b = strconv.AppendInt(b, int64(v.SchemaVersion), 10)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, v.Version, 10)
	if v.Revision != 0 {
		b = append(b, `,"revision":`...)
		b = strconv.AppendInt(b, int64(v.Revision), 10)
	}
	b = append(b, `,"time":"`...)
	b = v.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","command":`...)
	b = appendJSON(b, v.Command)
	b = append(b, `,"commandOffset":`...)
	b = strconv.AppendInt(b, v.CommandOffset, 10)
	b = append(b, `,"data":`...)
	return append(append(b, v.Data...), '}')
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendJSON(append(b, name...), value)
}

func appendJSON(b []byte, s string) []byte {
	if isPlain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, _ := json.Marshal(s) // cannot fail
	return append(b, quoted...)
}

// isPlain tells whether encoding/json writes s as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// embedded is the JSON of a payload inside a result. That of our own codecs is
// JSON; that of another one has to be.
func (p Payload) embedded() (json.RawMessage, error) {
	if p.marshalled {
		return p.Data, nil
	}
	data, err := json.Marshal(json.RawMessage(p.Data))
	if err != nil {
		return nil, fmt.Errorf("encode result: payload %s: %w", p.Type, err)
	}
	return data, nil
}

// encodeResult encodes the answer of a command whose digest is given. The
// payloads are those of its events and its snapshot, encoded once for all the
// records that carry them.
func (a *Aggregate[S, C, E]) encodeResult(res Result[S, E], digest commandDigest, events []Payload, snapshot Payload) (*sarama.ProducerMessage, error) {
	v := resultValue{Outcome: res.Outcome, Version: res.Version}
	if res.Rejection != nil {
		v.Code, v.Message = res.Rejection.Code, res.Rejection.Message
	}
	size := 256 + len(v.Message)
	for i, e := range res.Events {
		data, err := events[i].embedded()
		if err != nil {
			return nil, err
		}
		size += 256 + len(data)
		v.Events = append(v.Events, payloadValue{
			Type: events[i].Type, SchemaVersion: events[i].SchemaVersion, Version: e.Version,
			Time: e.Time, Command: e.Command, CommandOffset: e.CommandPosition.Offset, Data: data,
		})
	}
	if s := res.Snapshot; s != nil {
		data, err := snapshot.embedded()
		if err != nil {
			return nil, err
		}
		size += 256 + len(data)
		v.Snapshot = &payloadValue{
			Type: snapshot.Type, SchemaVersion: snapshot.SchemaVersion, Version: s.Version, Revision: s.Revision,
			Time: s.Time, Command: s.Command, CommandOffset: s.CommandPosition.Offset, Data: data,
		}
	}
	value := v.appendTo(make([]byte, 0, size))
	return message(a.Topics().Results, res.Aggregate, value, a.resultHeaders(res, digest)), nil
}

func (a *Aggregate[S, C, E]) resultHeaders(res Result[S, E], digest commandDigest) headers {
	h := cloudEvent(res.Command, resultType(res.Outcome), "/"+a.Name+"/results", res.Aggregate, res.Time)
	h.addInt(headerVersion, res.Version)
	h.add(headerCommandID, res.Command)
	h.addInt(headerCommandOffset, res.CommandPosition.Offset)
	h.add(headerCommandDigest, digest.String())
	if res.Replayed {
		h.add(headerReplay, "true")
	}
	if res.Rejection != nil && res.Rejection.ForNow {
		h.add(headerForNow, "true")
	}
	h.addMetadata(res.Metadata)
	return h
}

// resultType is the type of a result in its header: CommandAccepted, and so on.
func resultType(o Outcome) string { return "Command" + string(o[0]-'a'+'A') + string(o[1:]) }

func (a *Aggregate[S, C, E]) decodeResult(rec Record) (Result[S, E], error) {
	r := reader{Record: rec}
	res := Result[S, E]{
		Command: r.Header(headerCommandID), Aggregate: string(r.Key), Time: r.time(), Metadata: metadataOf(rec),
		Replayed:        r.Header(headerReplay) != "",
		CommandPosition: r.commandPosition(), Position: rec.Position,
	}
	r.fail(a.decodeResultValue(rec.Value, &res))
	if res.Rejection != nil {
		res.Rejection.ForNow = r.Header(headerForNow) != ""
	}
	return res, r.err()
}

func (a *Aggregate[S, C, E]) decodeResultValue(value []byte, res *Result[S, E]) error {
	var v resultValue
	if err := json.Unmarshal(value, &v); err != nil {
		return fmt.Errorf("decode result: %w", err)
	}
	res.Outcome, res.Version = v.Outcome, v.Version
	if v.Outcome != Accepted {
		res.Rejection = Reject(v.Code, "%s", v.Message)
	}
	partition := res.CommandPosition.Partition
	for _, e := range v.Events {
		payload, err := readBy(a.Events.Decode, e.payload())
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
	state, err := readBy(a.State.Decode, s.payload())
	if err != nil {
		return err
	}
	res.Snapshot = &Snapshot[S]{
		Aggregate: res.Aggregate, Version: s.Version, Revision: s.Revision, Time: s.Time, Command: s.Command,
		CommandPosition: Position{partition, s.CommandOffset}, State: state,
	}
	return nil
}

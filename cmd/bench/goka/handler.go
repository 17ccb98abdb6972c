package main

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/lovoo/goka"
	"github.com/lovoo/goka/codec"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// row is what the group table keeps of an aggregate.
type row struct {
	Version       int64            `json:"version"`
	Revision      int              `json:"revision"`
	Time          time.Time        `json:"time"`
	Command       string           `json:"command"`
	CommandOffset int64            `json:"commandOffset"`
	State         invoices.Invoice `json:"state"`
}

type rowCodec struct{}

func (rowCodec) Encode(v any) ([]byte, error) { return json.Marshal(v) }

func (rowCodec) Decode(data []byte) (any, error) {
	v := new(row)
	return v, json.Unmarshal(data, v)
}

// result and payload have the form of eventim's results.
type result struct {
	Outcome  eventim.Outcome `json:"outcome"`
	Version  int64           `json:"version"`
	Code     string          `json:"code,omitempty"`
	Message  string          `json:"message,omitempty"`
	Events   []payload       `json:"events,omitempty"`
	Snapshot *payload        `json:"snapshot,omitempty"`
}

type payload struct {
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schemaVersion"`
	Version       int64           `json:"version"`
	Revision      int             `json:"revision,omitempty"`
	Time          time.Time       `json:"time"`
	Command       string          `json:"command"`
	CommandOffset int64           `json:"commandOffset"`
	Data          json.RawMessage `json:"data"`
}

func graph(name string) *goka.GroupGraph {
	h := handler{name: name}
	return goka.DefineGroup(goka.Group(name),
		goka.Input(goka.Stream(name+"-commands"), new(codec.Bytes), h.handle),
		goka.Output(goka.Stream(name+"-results"), new(codec.Bytes)),
		goka.Output(goka.Stream(name+"-events"), new(codec.Bytes)),
		goka.Persist(rowCodec{}),
	)
}

type handler struct{ name string }

func (h handler) handle(ctx goka.Context, message any) {
	in := ctx.Headers()
	command, err := invoices.Aggregate.Commands.Decode(eventim.Payload{
		Type: string(in["ce_type"]), SchemaVersion: 1, Data: message.([]byte),
	})
	if err != nil {
		ctx.Fail(err)
	}
	before := eventim.Snapshot[invoices.Invoice]{Aggregate: ctx.Key(), Revision: 1}
	if v, ok := ctx.Value().(*row); ok {
		before.Version, before.State = v.Version, v.State
	}
	id := string(in["ce_id"])
	res := invoices.Aggregate.Handle(before, eventim.Command[invoices.Command]{
		ID: id, Aggregate: ctx.Key(), Time: ctx.Timestamp().UTC(), Payload: command,
		Position: eventim.Position{Partition: ctx.Partition(), Offset: ctx.Offset()},
	})
	h.emit(ctx, id, res)
}

func (h handler) emit(ctx goka.Context, id string, res eventim.Result[invoices.Invoice, invoices.Event]) {
	value := result{Outcome: res.Outcome, Version: res.Version}
	typ := "CommandAccepted"
	if r := res.Rejection; r != nil {
		typ, value.Code, value.Message = "CommandRejected", r.Code, r.Message
	}
	for _, e := range res.Events {
		p, err := invoices.Aggregate.Events.Encode(e.Payload)
		if err != nil {
			ctx.Fail(err)
		}
		value.Events = append(value.Events, payload{
			Type: p.Type, SchemaVersion: 1, Version: e.Version, Time: e.Time, Command: id, CommandOffset: ctx.Offset(), Data: p.Data,
		})
		ctx.Emit(goka.Stream(h.name+"-events"), ctx.Key(), p.Data, h.headers(ctx, "events", e.ID(), p.Type, e.Version))
	}
	if s := res.Snapshot; s != nil {
		p, err := invoices.Aggregate.State.Encode(s.State)
		if err != nil {
			ctx.Fail(err)
		}
		value.Snapshot = &payload{
			Type: p.Type, SchemaVersion: 1, Version: s.Version, Revision: s.Revision, Time: s.Time, Command: id,
			CommandOffset: ctx.Offset(), Data: p.Data,
		}
		ctx.SetValue(&row{s.Version, s.Revision, s.Time, id, ctx.Offset(), s.State})
	}
	data, err := json.Marshal(value)
	if err != nil {
		ctx.Fail(err)
	}
	ctx.Emit(goka.Stream(h.name+"-results"), ctx.Key(), data, h.headers(ctx, "results", id, typ, res.Version))
}

func (h handler) headers(ctx goka.Context, topic, id, typ string, version int64) goka.ContextOption {
	in := ctx.Headers()
	out := goka.Headers{
		"ce_specversion": []byte("1.0"), "ce_id": []byte(id), "ce_type": []byte(typ), "ce_source": []byte("/" + h.name + "/" + topic),
		"ce_subject": []byte(ctx.Key()), "ce_time": ctx.Timestamp().UTC().AppendFormat(nil, time.RFC3339Nano),
		"content-type": []byte("application/json"), "ce_schemaversion": []byte("1"),
		"ce_version": strconv.AppendInt(nil, version, 10), "ce_commandid": in["ce_id"],
		"ce_commandoffset": strconv.AppendInt(nil, ctx.Offset(), 10), "ce_originid": in["ce_originid"], "ce_correlationid": in["ce_correlationid"],
	}
	if topic == "events" {
		out["ce_causationid"] = in["ce_id"]
	}
	return goka.WithCtxEmitHeaders(out)
}

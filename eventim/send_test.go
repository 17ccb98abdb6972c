package eventim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

func TestSendReadTail(t *testing.T) {
	t.Parallel()
	k := eventimtest.Kafka(t)
	a := counter
	a.Name, a.Partitions = eventimtest.Name(t, "counter"), 3
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := a.CreateTopics(ctx, k, 1); err != nil {
		t.Fatal(err)
	}
	if err := a.VerifyTopics(ctx, k); err != nil {
		t.Fatal(err)
	}
	sender, err := eventim.NewSender(a, k)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	sent, err := sender.Send(ctx, eventim.Command[Add]{Aggregate: "a", Expected: new(int64(0)), Payload: Add{N: 2}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sender.Send(ctx, eventim.Command[Add]{Aggregate: "a", Payload: Add{Note: strings.Repeat("x", 1<<20)}})
	if !errors.Is(err, eventim.ErrTooLarge) {
		t.Fatalf("an oversized command: %v, want ErrTooLarge", err)
	}
	ends, err := eventim.Ends(ctx, k, a.CommandTopic().Name)
	if err != nil {
		t.Fatal(err)
	}
	var got []eventim.Command[Add]
	read := func(r eventim.Record) error {
		cmd, err := a.CommandTopic().Decode(r)
		got = append(got, cmd)
		return err
	}
	if err := eventim.Read(ctx, k, a.CommandTopic().Name, nil, ends, read); err != nil {
		t.Fatal(err)
	}
	// The embedded broker reads its clock twice, for the record and for the answer.
	if len(got) != 1 || got[0].ID != sent.ID || got[0].Position != sent.Position || got[0].Time.Sub(sent.Time).Abs() > time.Second || *got[0].Expected != 0 {
		t.Fatalf("read %+v, want what was sent: %+v", got, sent)
	}
	done := errors.New("seen")
	err = eventim.Tail(ctx, k, a.CommandTopic().Name, eventim.Positions{sent.Position.Partition: sent.Position.Offset}, func(r eventim.Record) error {
		if r.Position == sent.Position {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		t.Fatalf("tail: %v, want it to see the command", err)
	}
}

package eventim_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// answerTo is a result for the command at an offset of partition 2.
func answerTo(aggregate, id string, offset int64) eventim.Record {
	return eventim.Record{
		Key: []byte(aggregate), Position: eventim.Position{Partition: 2, Offset: 100 + offset},
		Headers: []*eventim.Header{
			{Key: []byte(eventim.HeaderCommandID), Value: []byte(id)},
			{Key: []byte(eventim.HeaderCommandOffset), Value: []byte(strconv.FormatInt(offset, 10))},
		},
	}
}

func TestInboxTellsCommandsApart(t *testing.T) {
	t.Parallel()
	var inbox eventim.Inbox
	inbox.Record(answerTo("a", "1", 1)) // before anybody asks
	one, two, other := inbox.Expect("a", "1"), inbox.Expect("a", "1"), inbox.Expect("b", "1")
	for _, offset := range []int64{5, 6, 7} { // one id, three commands
		inbox.Record(answerTo("a", "1", offset))
	}
	inbox.Record(answerTo("a", "2", 8))
	for e, offset := range map[*eventim.Expectation]int64{one: 6, two: 7} {
		rec, err := e.Await(t.Context(), eventim.Position{Partition: 2, Offset: offset})
		if err != nil || rec.Position.Offset != 100+offset {
			t.Errorf("the answer to the command at %d: %v, %v", offset, rec.Position, err)
		}
	}
	over := errors.New("over")
	ended, end := context.WithCancelCause(t.Context())
	end(over)
	for _, e := range []*eventim.Expectation{one, other} {
		if rec, err := e.Await(ended, eventim.Position{Partition: 2, Offset: 1}); !errors.Is(err, over) {
			t.Errorf("an answer from before, or to another aggregate: %v, %v, want the cause of the end", rec.Position, err)
		}
	}
}

func TestInboxWakesWhoWaits(t *testing.T) {
	t.Parallel()
	var inbox eventim.Inbox
	e := inbox.Expect("a", "1")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for offset := range int64(100) {
			inbox.Record(answerTo("a", "1", offset))
		}
	}()
	if rec, err := e.Await(ctx, eventim.Position{Partition: 2, Offset: 99}); err != nil || rec.Position.Offset != 199 {
		t.Errorf("got %v, %v, want the last of a hundred answers", rec.Position, err)
	}
}

func TestInboxForgets(t *testing.T) {
	t.Parallel()
	var inbox eventim.Inbox
	one, two := inbox.Expect("a", "1"), inbox.Expect("a", "1")
	one.Forget()
	one.Forget()
	inbox.Record(answerTo("a", "1", 1))
	if _, err := two.Await(t.Context(), eventim.Position{Partition: 2, Offset: 1}); err != nil {
		t.Errorf("who still waits: %v, want the answer", err)
	}
	two.Forget()
	if n := inbox.Expected(); n != 0 {
		t.Errorf("the inbox keeps %d commands that nobody expects", n)
	}
}

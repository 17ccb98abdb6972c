package eventim

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// goldenReactor is a reactor that wants one of each, when it is told to begin.
func goldenReactor() *Reactor[diary, entry] {
	a := *ticker()
	return Reactor[diary, entry]{
		Name: "watch", Partitions: 1, Messages: JSON[entry]("Entry"), Performs: []Performs[entry]{asker()}, Sends: []Target{a},
		React: func(s diary, m Message[entry]) (diary, []Output) {
			s.Said = append(s.Said, m.Payload.Do)
			switch m.Payload.Do {
			case "begin":
				return s, []Output{a.Send("t", tick{2}), At("late", m.Time.Add(time.Minute), entry{Do: "note"}), Call(asks, question{"it"})}
			case "end":
				return s, []Output{End()}
			}
			panic("it is broken")
		},
	}.withDefaults()
}

// goldenInstances are the records that a message leads to.
func goldenInstances(t *testing.T, at time.Time, do string) (inbox *sarama.ProducerMessage, led []*sarama.ProducerMessage) {
	t.Helper()
	store, err := statestore.Create("store", statestore.Identity{}, statestore.Options{Logger: slog.New(slog.DiscardHandler), FS: vfs.NewMem()}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	p := &reaction[diary, entry]{
		Claim: &task.Claim{Store: store, Logger: slog.New(slog.DiscardHandler)}, r: goldenReactor(), partitioner: sarama.NewMurmur2Partitioner(""),
		calls: newCalls[entry](func(int32) {}), fresh: map[string]struct{}{},
	}
	inbox, err = p.r.encodeNotice(notice[entry]{begins: true, Message: Message[entry]{
		Instance: "a", ID: "ticker-events/t/1", Time: at, Causation: "t/1", Correlation: "talk", Payload: entry{Do: do},
	}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := p.r.decodeNotice(written(t, inbox))
	if err != nil {
		t.Fatal(err)
	}
	s := task.NewScope(0, maxOutputBytes, at, store)
	if err := p.tell(s, n.Message, instance{}, 0); err != nil {
		t.Fatal(err)
	}
	return inbox, s.Commit().Records
}

// The golden files are the wire form of a reactor, see docs/reactors.md.
func TestGoldenRecordsOfAReactor(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	for _, c := range []struct {
		do    string
		names []string
	}{
		{"begin", []string{"reactor-instance", "reactor-command"}},
		{"end", []string{"reactor-ended"}},
		{"break", []string{"reactor-parked", "reactor-instance-parked"}},
	} {
		inbox, led := goldenInstances(t, at, c.do)
		if c.do == "begin" {
			golden(t, "reactor-inbox", inbox)
		}
		if len(led) != len(c.names) {
			t.Fatalf("%s leads to %d records, want %d", c.do, len(led), len(c.names))
		}
		for i, name := range c.names {
			golden(t, name, timeless(t, led[i], at))
		}
	}
}

// timeless is a record without the time of our clock.
func timeless(t *testing.T, m *sarama.ProducerMessage, at time.Time) *sarama.ProducerMessage {
	t.Helper()
	var waits parkedMessage
	r := written(t, m)
	if json.Unmarshal(r.Value, &waits) != nil || waits.Since == 0 {
		return m
	}
	waits.Since = at.UnixMilli()
	data, err := json.Marshal(waits)
	if err != nil {
		t.Fatal(err)
	}
	m.Value = sarama.ByteEncoder(data)
	return m
}

package eventim

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// What the instances of the model are told: they write it down, and do it.
type (
	entry struct {
		Do   string // note, set, cancel, call, end, or fail, which is note to a program that is mended
		Name string // of a timer
		Due  int64  // Unix milliseconds
	}
	diary    struct{ Said []string }
	question struct{ About string }
)

var asks = Effect[question]{Name: "ask"}

// asker is asked twice at most; what it says is put in its mouth.
func asker() Performer[question, entry] {
	return Performer[question, entry]{
		Effect: asks, Attempts: 2,
		Do:     func(context.Context, Request[question]) (entry, error) { panic("nobody asks it") },
		Failed: func(Request[question], error) entry { return entry{Do: "note"} },
	}
}

func diarist(broken *bool) *Reactor[diary, entry] {
	return Reactor[diary, entry]{
		Name: "diarist", Partitions: 1, Messages: JSON[entry]("Entry"), Performs: []Performs[entry]{asker()},
		React: func(s diary, m Message[entry]) (diary, []Output) {
			s.Said = append(s.Said, m.ID)
			switch m.Payload.Do {
			case "fail":
				if *broken {
					panic("it is broken")
				}
			case "set":
				return s, []Output{At(m.Payload.Name, time.UnixMilli(m.Payload.Due), entry{Do: "note"})}
			case "cancel":
				return s, []Output{Cancel(m.Payload.Name)}
			case "call":
				return s, []Output{Call(asks, question{m.Payload.Name})}
			case "end":
				return s, []Output{End()}
			}
			return s, nil
		},
	}.withDefaults()
}

// reactorModel is what instances have to be, beside a partition that they are kept in.
type reactorModel struct {
	p    *reaction[diary, entry]
	log  []*sarama.Record // of the instances: what a restore reads
	next int64
	now  int64

	broken bool // the program
	said   map[string][]string
	timers map[string]map[string]int64 // when they are due, by instance and name
	calls  map[string]map[string]int   // how often they have failed, by instance and id
	parked map[string][]notice[entry]  // what waits
}

func newReactorModel(t rapid.TB) *reactorModel {
	t.Helper()
	m := &reactorModel{said: map[string][]string{}, timers: map[string]map[string]int64{}, calls: map[string]map[string]int{}, parked: map[string][]notice[entry]{}}
	m.open(t)
	return m
}

// open makes the store, from what was written.
func (m *reactorModel) open(t rapid.TB) {
	t.Helper()
	s, err := statestore.Create("store", statestore.Identity{}, statestore.Options{Logger: slog.New(slog.DiscardHandler), FS: vfs.NewMem()}, false)
	if err != nil {
		t.Fatal(err)
	}
	m.p = &reaction[diary, entry]{
		Claim: &task.Claim{Store: s, Logger: slog.New(slog.DiscardHandler)}, r: diarist(&m.broken), partitioner: sarama.NewMurmur2Partitioner(""),
		calls: newCalls[entry](func(int32) {}), fresh: map[string]struct{}{},
	}
	m.p.drained.Store(m.now)
	w := s.Begin(0)
	for _, r := range m.log {
		filling := task.Filling(instanceFilter{})
		if bytes.Contains(r.Key, []byte(" ")) {
			filling = parkedFilter{}
		}
		if err := filling.Put(w, nil, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func (m *reactorModel) close() { _ = m.p.Store.Close() }

func (m *reactorModel) restart(t *rapid.T) {
	m.close()
	m.open(t)
}

func (m *reactorModel) scope() *task.Scope {
	return task.NewScope(0, maxOutputBytes, time.Now(), m.p.Store)
}

// keep commits what a batch has done.
func (m *reactorModel) keep(t *rapid.T, s *task.Scope) {
	c := s.Commit()
	for _, r := range c.Records {
		kept := &sarama.Record{}
		kept.Key, _ = r.Key.Encode()
		if r.Value != nil {
			kept.Value, _ = r.Value.Encode()
		}
		m.log = append(m.log, kept)
	}
	w := m.p.Store.Begin(0)
	c.Write(w)
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := m.p.Kept(c); err != nil {
		t.Fatal(err)
	}
}

// tell tells an instance something, or is interrupted before it is committed.
func (m *reactorModel) tell(t *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b", "ab"}).Draw(t, "instance")
	what := entry{
		Do:   rapid.SampledFrom([]string{"note", "set", "set", "set", "cancel", "call", "call", "end", "fail"}).Draw(t, "do"),
		Name: rapid.SampledFrom([]string{"x", "y", "xy"}).Draw(t, "timer"),
		Due:  m.now + rapid.Int64Range(-5, 20).Draw(t, "due"),
	}
	n := notice[entry]{Message: Message[entry]{Instance: id, ID: fmt.Sprint("m", m.next), Time: time.UnixMilli(m.now), Payload: what}}
	n.begins = rapid.Bool().Draw(t, "begins")
	record, err := m.p.r.encodeNotice(n)
	if err != nil {
		t.Fatal(err)
	}
	if !m.process(t, record) {
		return
	}
	if m.there(id) || n.begins {
		m.hear(n)
	}
}

// process has a record of the inbox processed, or is interrupted before it is committed.
func (m *reactorModel) process(t *rapid.T, record *sarama.ProducerMessage) bool {
	rec := written(t, record)
	in := &sarama.ConsumerMessage{Key: rec.Key, Value: rec.Value, Headers: make([]*sarama.RecordHeader, 0, len(rec.Headers)), Offset: m.next}
	for _, h := range rec.Headers {
		in.Headers = append(in.Headers, (*sarama.RecordHeader)(h))
	}
	s := m.scope()
	if err := s.Run(m.p, []*sarama.ConsumerMessage{in}); err != nil {
		t.Fatal(err)
	}
	if rapid.IntRange(0, 4).Draw(t, "interrupted") == 0 {
		return false
	}
	m.next++
	m.keep(t, s)
	return true
}

func (m *reactorModel) there(id string) bool {
	_, begun := m.said[id]
	return begun || len(m.parked[id]) > 0
}

// hear is what has to happen. It tells whether the instance could react.
func (m *reactorModel) hear(n notice[entry]) bool {
	if len(m.parked[n.Instance]) > 0 || n.Payload.Do == "fail" && m.broken {
		m.parked[n.Instance] = append(m.parked[n.Instance], n)
		return false
	}
	m.react(n)
	return true
}

func (m *reactorModel) react(n notice[entry]) {
	id, what := n.Instance, n.Payload
	m.said[id] = append(m.said[id], n.ID)
	if m.timers[id] == nil {
		m.timers[id], m.calls[id] = map[string]int64{}, map[string]int{}
	}
	switch what.Do {
	case "set":
		m.timers[id][what.Name] = what.Due
	case "cancel":
		delete(m.timers[id], what.Name)
	case "call":
		m.calls[id][commandID("diarist", id, n.ID, 0)] = 0
	case "end":
		delete(m.said, id)
		delete(m.timers, id)
		delete(m.calls, id)
	}
}

// mend brings a program that can, or cannot, react to everything.
func (m *reactorModel) mend(*rapid.T) { m.broken = !m.broken }

// release releases an instance, and lets it hear what it can, some at a time.
func (m *reactorModel) release(t *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b", "ab"}).Draw(t, "instance")
	how := rapid.SampledFrom([]Release{Retry, DiscardFirst, DiscardAll}).Draw(t, "how")
	h := cloudEvent("release", string(how), "/diarist/inbox", id, time.UnixMilli(m.now))
	h.add(headerRelease, string(how))
	if !m.process(t, message(m.p.r.Topics().Inbox, id, nil, h)) {
		return
	}
	if rapid.Bool().Draw(t, "lost") {
		m.restart(t)
	}
	m.tick(t, 0)
	waits := m.parked[id]
	if len(waits) == 0 {
		return
	}
	switch how {
	case DiscardFirst:
		waits = waits[1:]
	case DiscardAll:
		waits = nil
	}
	m.parked[id] = nil
	for i, n := range waits {
		if !m.hear(n) {
			m.parked[id] = waits[i:]
			return
		}
		if !m.there(id) {
			return // what waits for one that has ended is lost
		}
	}
}

// tick has everything done that is due at a time.
func (m *reactorModel) tick(t *rapid.T, due int64) {
	m.p.drained.Store(due)
	most := rapid.IntRange(1, 3).Draw(t, "most")
	for {
		s := m.scope()
		n, err := m.p.Tick(s, most)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if rapid.IntRange(0, 4).Draw(t, "interrupted") != 0 {
			m.keep(t, s)
		}
	}
}

// answer has an attempt come to something, or one that nobody knows of any more.
func (m *reactorModel) answer(t *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b", "ab"}).Draw(t, "instance")
	key := rapid.SampledFrom(append(slices.Sorted(maps.Keys(m.calls[id])), "gone")).Draw(t, "call")
	failed := rapid.SampledFrom([]error{nil, nil, errors.New("busy"), Permanent(errors.New("no")), errRequest{errors.New("unread")}}).Draw(t, "failed")
	data, _ := JSON[question]("ask").Encode(question{})
	at := attempted[entry]{
		performs: asker(), told: entry{Do: "note"}, err: failed, pause: time.Minute,
		request: Request[Payload]{Key: key, Instance: id, Payload: data},
	}
	m.p.calls.running[key] = true
	m.p.calls.outcomes[0] = append(m.p.calls.outcomes[0], at)
	m.tick(t, 0)
	if m.p.calls.unsettled([]int32{0}) || len(m.p.calls.running) > 0 {
		t.Fatalf("%d outcomes are not settled", len(m.p.calls.outcomes[0]))
	}
	_, waits := m.calls[id][key]
	if _, unread := errors.AsType[errRequest](failed); !waits || unread {
		return
	}
	m.calls[id][key]++
	if failed != nil && !isPermanent(failed) && m.calls[id][key] < 2 {
		return
	}
	delete(m.calls[id], key)
	m.hear(notice[entry]{Message: Message[entry]{Instance: id, ID: "call/" + key, Payload: entry{Do: "note"}}})
}

// pass lets time pass: what is due fires, some at a time.
func (m *reactorModel) pass(t *rapid.T) {
	m.now += rapid.Int64Range(0, 15).Draw(t, "time")
	m.tick(t, m.now)
	m.fire()
}

func (m *reactorModel) fire() {
	type fires struct {
		due      int64
		id, name string
	}
	var all []fires
	for id, timers := range m.timers {
		for name, due := range timers {
			if due <= m.now {
				all = append(all, fires{due, id, name})
			}
		}
	}
	slices.SortFunc(all, func(a, b fires) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id), cmp.Compare(a.name, b.name))
	})
	for _, f := range all {
		delete(m.timers[f.id], f.name)
		m.hear(notice[entry]{Message: Message[entry]{Instance: f.id, ID: "timer/" + f.name + "/" + strconv.FormatInt(f.due, 10), Payload: entry{Do: "note"}}})
	}
}

// check wants the instances to be those of the model.
func (m *reactorModel) check(t *rapid.T) {
	for _, id := range []string{"a", "b", "ab"} {
		in, found, err := loadInstance(m.scope(), id)
		if err != nil {
			t.Fatal(err)
		}
		state, err := m.p.stateOf(in)
		if err != nil {
			t.Fatal(err)
		}
		said, there := m.said[id], m.there(id)
		due := map[string]int64{}
		for name, timer := range in.Timers {
			due[name] = timer.Due
		}
		failed := map[string]int{}
		for key, c := range in.Calls {
			failed[key] = c.Failed
		}
		if !maps.Equal(failed, m.calls[id]) {
			t.Fatalf("%s waits for the calls %v, want %v", id, failed, m.calls[id])
		}
		if found != there || !slices.Equal(state.Said, said) || !maps.Equal(due, m.timers[id]) {
			t.Fatalf("%s is %v with %v, %v, want %v with %v, %v", id, state.Said, due, found, said, m.timers[id], there)
		}
		m.checkParked(t, id, in.Parked)
	}
	first := int64(0)
	for _, timers := range m.timers {
		for _, due := range timers {
			if first == 0 || due < first {
				first = due
			}
		}
	}
	m.checkCalls(t)
	if err := m.p.lookForTimers(); err != nil {
		t.Fatal(err)
	}
	if got := m.p.nextDue.Load(); first != 0 && got > max(first, 0) {
		t.Fatalf("the first timer is looked for at %d, and is due at %d", got, first)
	}
}

// checkCalls wants every call to be found where those that are due are looked for.
func (m *reactorModel) checkCalls(t *rapid.T) {
	due, _, err := dueCalls(m.scope(), "ask", 1<<60, 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, d := range due {
		found[d.instance+" "+d.id] = true
	}
	for id, calls := range m.calls {
		for key := range calls {
			if !found[id+" "+key] {
				t.Fatalf("the call %s of %s is not looked for", key, id)
			}
		}
	}
}

// checkParked wants what waits to be that of the model.
func (m *reactorModel) checkParked(t *rapid.T, id string, at *parking) {
	var got, want []string
	s := m.scope()
	err := s.Scan(parkedKey(id, 0)[:len(id)+2], append(parkedKey(id, 0)[:len(id)+1], 1), func(_, value []byte) error {
		var waits parkedMessage
		err := json.Unmarshal(value, &waits)
		got = append(got, waits.ID)
		return err
	})
	for _, n := range m.parked[id] {
		want = append(want, n.ID)
	}
	if err != nil || !slices.Equal(got, want) || (at != nil) != (len(want) > 0) {
		t.Fatalf("%s has %v waiting, %v, %v, want %v", id, got, err, at, want)
	}
	if at != nil && (at.Repeat || at.Next-at.First != int64(len(want))) {
		t.Fatalf("%s is parked as %+v, with %d waiting", id, *at, len(want))
	}
}

// Whatever instances are told, and however often they are interrupted and restored,
// they have heard each message once and in order, and their timers fire once, in the
// order in which they are due.
func TestInstancesAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newReactorModel(t)
		m.now = 1000
		m.p.drained.Store(m.now)
		defer func() { m.close() }()
		t.Repeat(map[string]func(*rapid.T){"tell": m.tell, "pass": m.pass, "restart": m.restart, "mend": m.mend, "answer": m.answer, "release": m.release, "": m.check})
	})
}

// The id of a command depends on nothing but the reaction that sends it.
func TestCommandIDsAreDerived(t *testing.T) {
	t.Parallel()
	const want = "a82b7462-19e1-5aaf-86b5-d905626f8301"
	id := commandID("r", "i", "m", 0)
	seen := map[string]bool{id: true}
	for _, other := range []string{commandID("r", "i", "m", 1), commandID("r", "i", "m\x00", 0), commandID("r", "im", "", 0), commandID("ri", "", "m", 0)} {
		if seen[other] {
			t.Errorf("%s is the id of two", other)
		}
		seen[other] = true
	}
	if id != want {
		t.Errorf("the id is %s, and was %s", id, want)
	}
}

// Keys of timers sort by when they are due, and are read as they were written.
func TestTimerKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		due, later := rapid.Int64Range(0, 1<<50).Draw(t, "due"), rapid.Int64Range(0, 1<<50).Draw(t, "later")
		id, name := rapid.StringMatching(`[a-zé]{1,8}`).Draw(t, "id"), rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "name")
		key := timerKey(due, id, name)
		if gotDue, gotID, gotName := parseTimerKey(key); gotDue != due || gotID != id || gotName != name {
			t.Fatalf("%d %s %s came back as %d %s %s", due, id, name, gotDue, gotID, gotName)
		}
		if due < later && bytes.Compare(key, timerKey(later, "", "")) >= 0 {
			t.Fatalf("%d does not sort before %d", due, later)
		}
	})
}

// a one-off reaction to a message of a time, and what it writes.
func reactsOnce(t *testing.T, r Reactor[diary, entry], at time.Time) ([]*sarama.ProducerMessage, error) {
	t.Helper()
	m := newReactorModel(t)
	defer m.close()
	m.p.r = r.withDefaults()
	s := m.scope()
	err := m.p.tell(s, Message[entry]{Instance: "a", ID: "m", Causation: "c/1", Time: at, Payload: entry{Do: "note"}}, instance{}, 0)
	return s.Commit().Records, err
}

// What was before the time at which a reactor begins to act is remembered, and not
// acted on.
func TestThePastIsMuted(t *testing.T) {
	t.Parallel()
	r := *diarist(new(bool))
	r.Sends, r.MutedBefore = []Target{*ticker()}, time.UnixMilli(1000)
	r.React = func(s diary, _ Message[entry]) (diary, []Output) {
		return s, []Output{ticker().Send("a", tick{1}), At("x", time.UnixMilli(2000), entry{Do: "note"}), Call(asks, question{})}
	}
	for at, want := range map[int64]string{999: "[diarist-instances]", 1000: "[diarist-instances ticker-commands]"} {
		records, err := reactsOnce(t, r, time.UnixMilli(at))
		var topics []string
		for _, m := range records {
			topics = append(topics, m.Topic)
		}
		if err != nil || fmt.Sprint(topics) != want {
			t.Errorf("at %d: %v, %v, want %s", at, topics, err, want)
			continue
		}
		value, _ := records[0].Value.Encode()
		if calls := bytes.Contains(value, []byte("calls")); calls != (at == 1000) {
			t.Errorf("at %d: %s", at, value)
		}
	}
}

// A command that a reactor sends says who sends it, and why.
func TestACommandOfAReactor(t *testing.T) {
	t.Parallel()
	r := *diarist(new(bool))
	r.Sends = []Target{*ticker()}
	r.React = func(s diary, _ Message[entry]) (diary, []Output) { return s, []Output{ticker().Send("a", tick{7})} }
	records, err := reactsOnce(t, r, time.UnixMilli(1000))
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	cmd, err := ticker().decodeCommand(written(t, records[1]))
	want := Metadata{Actor: "diarist", Causation: "c/1", Correlation: "c/1"}
	if err != nil || cmd.ID != commandID("diarist", "a", "m", 0) || cmd.Metadata != want || cmd.Payload.N != 7 || cmd.Aggregate != "a" {
		t.Errorf("%+v, %v", cmd, err)
	}
}

var news = Publication[tick]{Topic: "news", Partitions: 5, Values: JSON[tick]("News")}

// What is published says who publishes it, and why, and stands where its key belongs.
func TestAPublication(t *testing.T) {
	t.Parallel()
	r := *diarist(new(bool))
	r.Publishes = []Publishing{news}
	r.React = func(s diary, _ Message[entry]) (diary, []Output) { return s, []Output{Publish(news, "key", tick{7})} }
	records, err := reactsOnce(t, r, time.UnixMilli(1000))
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	got := written(t, records[1])
	value, key := string(got.Value), string(got.Key)
	if records[1].Topic != "news" || key != "key" || value != `{"N":7}` {
		t.Errorf("%s: %s %s", records[1].Topic, key, value)
	}
	places := map[int32]bool{}
	for i := range 20 { // among fewer partitions some keys stand in the same
		r.React = func(s diary, _ Message[entry]) (diary, []Output) {
			return s, []Output{Publish(news, fmt.Sprint("key-", i), tick{7})}
		}
		records, err := reactsOnce(t, r, time.UnixMilli(1000))
		if err != nil || len(records) != 2 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		partition, _ := sarama.NewMurmur2Partitioner("news").Partition(records[1], 5)
		if records[1].Partition != partition {
			t.Errorf("key %d stands in %d, want %d", i, records[1].Partition, partition)
		}
		places[partition] = true
	}
	if len(places) != 5 {
		t.Errorf("they stand in %v", places)
	}
	meta := metadataOf(got)
	if got.Header(HeaderID) != commandID("diarist", "a", "m", 0) || got.Header(HeaderType) != "News" || meta.Actor != "diarist" || meta.Causation != "c/1" {
		t.Errorf("%s, %+v", got.Header(HeaderID), meta)
	}
	r.MutedBefore = time.UnixMilli(1001)
	if records, err = reactsOnce(t, r, time.UnixMilli(1000)); err != nil || len(records) != 1 {
		t.Errorf("of the past, %d records, %v", len(records), err)
	}
	for name, bad := range map[string][]Publishing{
		"no topic": {Publication[tick]{Partitions: 1}}, "no partition": {Publication[tick]{Topic: "x"}}, "twice": {news, news},
	} {
		r.Sources, r.Publishes = []Source[entry]{Begins(Source[entry]{topic: "x"})}, bad
		if err := r.validate(); err == nil {
			t.Errorf("%s: it is not found", name)
		}
	}
}

// A reaction that cannot be carried out parks its instance: nothing of it is written,
// and what is behind it waits.
func TestAReactionThatFails(t *testing.T) {
	t.Parallel()
	send := ticker().Send("a", tick{1})
	for name, output := range map[string]func() []Output{
		"panics":                    func() []Output { panic("oh") },
		"sends to nobody":           func() []Output { return []Output{bellOf().Send("a", rung{})} },
		"sends nothing that is one": func() []Output { return []Output{send, {Send: &SendOutput{"ticker-commands", "a", "no tick"}}} },
		"sends to no aggregate":     func() []Output { return []Output{send, ticker().Send("", tick{1})} },
		"sets a timer without name": func() []Output { return []Output{send, At("", time.Now(), entry{})} },
		"ends and calls":            func() []Output { return []Output{Call(asks, question{}), End()} },
		"publishes nowhere":         func() []Output { return []Output{send, Publish(Publication[int]{Topic: "x"}, "k", 1)} },
		"publishes no value":        func() []Output { return []Output{send, Publish(Publication[string]{Topic: "news"}, "k", "")} },
		"calls nobody":              func() []Output { return []Output{send, Call(Effect[int]{Name: "x"}, 1)} },
		"calls with nothing it is":  func() []Output { return []Output{send, Call(Effect[int]{Name: "ask"}, 1)} },
		"sets another's timer":      func() []Output { return []Output{send, At("x", time.Now(), "no entry")} },
	} {
		r := *diarist(new(bool))
		r.Sends, r.Publishes = []Target{*ticker()}, []Publishing{news}
		r.React = func(s diary, _ Message[entry]) (diary, []Output) { return s, output() }
		records, err := reactsOnce(t, r, time.Now())
		var topics []string
		for _, m := range records {
			topics = append(topics, m.Topic)
		}
		if err != nil || fmt.Sprint(topics) != "[diarist-parked diarist-instances]" {
			t.Errorf("one that %s: %v, %v, want it parked", name, topics, err)
		}
	}
}

func bellOf() *Aggregate[bell, rung, rung] {
	return Aggregate[bell, rung, rung]{Name: "bell", Commands: JSON[rung]("ring"), Events: JSON[rung]("rung")}.withDefaults()
}

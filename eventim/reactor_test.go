package eventim_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// An order waits for the stock to reserve what it wants, for a while.
type (
	orderCommand struct{ Do string } // place, confirm, expire
	orderEvent   struct{ Did string }
	orderState   struct{ Is string }

	stockCommand struct{ Order string }
	stockEvent   struct {
		Order    string
		Reserved bool
	}
	stockState struct{ Left int }
)

func orders(name string) eventim.Aggregate[orderState, orderCommand, orderEvent] {
	return eventim.Aggregate[orderState, orderCommand, orderEvent]{
		Name: name + "-order", Partitions: 3, Commands: eventim.JSON[orderCommand]("OrderCommand"), Events: eventim.JSON[orderEvent]("OrderEvent"),
		Decider: eventim.Decider[orderState, orderCommand, orderEvent]{
			Decide: func(s orderState, cmd eventim.Command[orderCommand]) ([]orderEvent, error) {
				did := map[string]string{"place": "placed", "confirm": "confirmed", "expire": "expired"}[cmd.Payload.Do]
				if (did == "placed") != (s.Is == "") || s.Is == "confirmed" || s.Is == "expired" {
					return nil, eventim.Reject("order_is_"+s.Is, "the order is %s", s.Is)
				}
				return []orderEvent{{did}}, nil
			},
			Evolve: func(_ orderState, e orderEvent) orderState { return orderState{e.Did} },
		},
	}
}

func stock(name string, left int) eventim.Aggregate[stockState, stockCommand, stockEvent] {
	return eventim.Aggregate[stockState, stockCommand, stockEvent]{
		Name: name + "-stock", Partitions: 2, Commands: eventim.JSON[stockCommand]("Reserve"), Events: eventim.JSON[stockEvent]("Reserving"),
		Decider: eventim.Decider[stockState, stockCommand, stockEvent]{
			Decide: func(s stockState, cmd eventim.Command[stockCommand]) ([]stockEvent, error) {
				return []stockEvent{{cmd.Payload.Order, s.Left < left}}, nil
			},
			Evolve: func(s stockState, e stockEvent) stockState {
				if e.Reserved {
					s.Left++
				}
				return s
			},
		},
	}
}

type (
	told  struct{ What string } // placed, reserved, refused, late
	waits struct{ Told []string }
)

// reserving is the process: stock is reserved for each order that is placed, and the
// order is confirmed, or expires when that takes too long.
func reserving(name string, patience time.Duration, left int, hear func()) eventim.Reactor[waits, told] {
	order, shelf := orders(name), stock(name, left)
	return eventim.Reactor[waits, told]{
		Name: name, Partitions: 3, Messages: eventim.JSON[told]("Told"),
		Sources: []eventim.Source[told]{
			eventim.Begins(eventim.From(order.EventTopic(), func(e eventim.Event[orderEvent]) (string, told, bool) {
				return e.Aggregate, told{e.Payload.Did}, e.Payload.Did == "placed"
			})),
			eventim.From(shelf.EventTopic(), func(e eventim.Event[stockEvent]) (string, told, bool) {
				hear()
				if e.Payload.Reserved {
					return e.Payload.Order, told{"reserved"}, true
				}
				return e.Payload.Order, told{"refused"}, true
			}),
		},
		Sends: []eventim.Target{order, shelf},
		React: func(s waits, m eventim.Message[told]) (waits, []eventim.Output) {
			s.Told = append(s.Told, m.Payload.What)
			switch m.Payload.What {
			case "placed":
				return s, []eventim.Output{
					shelf.Send("shelf", stockCommand{m.Instance}),
					eventim.At("patience", m.Time.Add(patience), told{"late"}),
				}
			case "reserved":
				return s, []eventim.Output{order.Send(m.Instance, orderCommand{"confirm"}), eventim.End()}
			default:
				return s, []eventim.Output{order.Send(m.Instance, orderCommand{"expire"}), eventim.End()}
			}
		},
	}
}

// process is the process on a cluster, as a test sees it.
type process struct {
	t       *testing.T
	kafka   eventim.Kafka
	name    string
	dir     string
	reactor eventim.Reactor[waits, told]
	left    int
	deaf    sync.Mutex // while it is locked, nothing of the stock is heard
	sender  *eventim.Sender[orderCommand]
}

func newProcess(t *testing.T, patience time.Duration, left int) *process {
	t.Helper()
	p := &process{t: t, kafka: eventimtest.Kafka(t), name: eventimtest.Name(t, "reserving"), dir: t.TempDir(), left: left}
	p.reactor = reserving(p.name, patience, left, func() { p.deaf.Lock(); defer p.deaf.Unlock() })
	err := errors.Join(orders(p.name).CreateTopics(t.Context(), p.kafka, 1), stock(p.name, left).CreateTopics(t.Context(), p.kafka, 1),
		p.reactor.CreateTopics(t.Context(), p.kafka, 1))
	if err != nil {
		t.Fatal(err)
	}
	if p.sender, err = eventim.NewSender(orders(p.name), p.kafka); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.sender.Close() })
	return p
}

// run runs something until stop is called.
func (p *process) run(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := run(ctx); err != nil {
			p.t.Errorf("ended with %v", err)
		}
	})
	return sync.OnceFunc(func() { cancel(); running.Wait() })
}

func (p *process) config(dir string) eventim.HandlerConfig {
	return eventim.HandlerConfig{
		Kafka: p.kafka, Dir: dir, Session: 6 * time.Second, Lanes: 1, CacheBytes: 1 << 20,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
}

func handles[S, C, E any](p *process, a eventim.Aggregate[S, C, E]) (stop func()) {
	p.t.Helper()
	h, err := eventim.NewHandler(a, p.config(p.dir))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.run(h.Run)
}

func (p *process) reacts(dir string) (stop func()) {
	p.t.Helper()
	h, err := eventim.NewReactorHandler(p.reactor, p.config(dir))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.run(h.Run)
}

func (p *process) place(from, to int) {
	p.t.Helper()
	for i := from; i < to; i++ {
		if _, err := p.sender.Send(p.t.Context(), eventim.Command[orderCommand]{Aggregate: fmt.Sprint("o", i), Payload: orderCommand{"place"}}); err != nil {
			p.t.Fatal(err)
		}
	}
}

// comesAndGoes has a process join and leave, some times, and place ten orders each time.
func (p *process) comesAndGoes(times int) {
	p.t.Helper()
	dir := p.t.TempDir()
	for i := range times {
		stop := p.reacts(dir)
		p.place(10*i, 10*i+10)
		stop()
	}
}

// outcomes reads what has become of the orders, and of how many the stock was asked.
func (p *process) outcomes() (is map[string]int, asked int) {
	p.t.Helper()
	is = map[string]int{}
	order, shelf := orders(p.name), stock(p.name, p.left)
	read := func(topic string, fn func(eventim.Record) error) { readAll(p.t, p.kafka, topic, fn) }
	last := map[string]string{}
	read(order.Topics().Events, func(r eventim.Record) error {
		e, err := order.EventTopic().Decode(r)
		last[e.Aggregate] = e.Payload.Did
		return err
	})
	for _, did := range last {
		is[did]++
	}
	read(shelf.Topics().Events, func(r eventim.Record) error { asked++; return nil })
	return is, asked
}

// becomes waits until so many orders are confirmed and expired.
func (p *process) becomes(confirmed, expired int) {
	p.t.Helper()
	var is map[string]int
	defer func() {
		if p.t.Failed() {
			p.t.Logf("the orders are %v", is)
		}
	}()
	eventually(p.t, fmt.Sprintf("%d orders confirmed and %d expired", confirmed, expired), func() bool {
		is, _ = p.outcomes()
		return is["confirmed"] == confirmed && is["expired"] == expired
	})
}

// An event of one aggregate becomes a command to another, and back, each once,
// whatever joins, leaves and starts again.
func TestAReactorReacts(t *testing.T) {
	t.Parallel()
	p := newProcess(t, time.Hour, 30)
	defer handles(p, orders(p.name))()
	defer handles(p, stock(p.name, p.left))()
	other := p.reacts(t.TempDir())
	p.comesAndGoes(4)
	p.becomes(30, 10)
	other()
	if _, asked := p.outcomes(); asked != 40 {
		t.Errorf("the stock was asked %d times, want 40", asked)
	}
}

// A timer fires when it is due, and the instance that it is for goes on.
func TestATimerFires(t *testing.T) {
	t.Parallel()
	p := newProcess(t, 2*time.Second, 30)
	defer handles(p, orders(p.name))() // the stock is away
	stop := p.reacts(p.dir)
	p.place(0, 5)
	p.becomes(0, 5)
	stop()
}

// A deadline that has passed while the process was away does not fire before what
// was said in time has been heard, though it lay unread; and a timer survives a
// restart and a lost disk.
func TestATimerWaitsForWhatWasSaidInTime(t *testing.T) {
	t.Parallel()
	const patience = 15 * time.Second // enough to stop in time on a busy machine
	p := newProcess(t, patience, 30)
	stopOrders := handles(p, orders(p.name))
	defer func() { stopOrders() }()
	stop := p.reacts(p.dir)
	p.place(0, 5)
	placed := time.Now()
	eventually(t, "the stock is asked", func() bool {
		ends, err := eventim.Ends(t.Context(), p.kafka, stock(p.name, p.left).Topics().Commands)
		sum := int64(0)
		for _, end := range ends {
			sum += end
		}
		return err == nil && sum >= 5
	})
	stop()
	defer handles(p, stock(p.name, p.left))()
	eventually(t, "the stock answers", func() bool { _, asked := p.outcomes(); return asked == 5 })
	eventually(t, "the deadlines have passed", func() bool { return time.Since(placed) > patience+time.Second })
	p.deaf.Lock()
	h, err := eventim.NewReactorHandler(p.reactor, p.config(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	stop = p.run(h.Run)
	eventually(t, "the reactor runs", func() bool {
		running := 0
		for _, s := range h.Status() {
			if s.Ready() {
				running++
			}
		}
		return running == 3
	})
	begun := time.Now()
	eventually(t, "it was looked at the timers a few times", func() bool { return time.Since(begun) > 4*time.Second })
	p.deaf.Unlock()
	p.becomes(5, 0)
	stop()
}

// A reactor that was away for so long that Kafka has forgotten its groups hears nothing
// again, on a new disk: neither a source nor the inbox begins anew. Its timers fire.
func TestAForgottenReactorHearsNothingAgain(t *testing.T) {
	t.Parallel()
	p := newProcess(t, time.Hour, 30)
	defer handles(p, orders(p.name))()
	stopStock := handles(p, stock(p.name, p.left))
	stop := p.reacts(t.TempDir())
	p.place(0, 20)
	p.becomes(20, 0)
	stopStock() // the next orders wait
	p.place(20, 25)
	topic := stock(p.name, p.left).Topics().Commands
	eventually(t, "the stock is asked", func() bool { return p.commands(topic) == 25 })
	stop()
	groups := []string{p.reactor.Group()}
	for _, source := range []string{orders(p.name).Topics().Events, stock(p.name, p.left).Topics().Events} {
		groups = append(groups, p.name+"-from-"+source)
	}
	eventually(t, "the groups are forgotten", func() bool { return forgotten(t, p.kafka, groups) })
	p.reactor.React = patient(p.reactor.React)
	stop = p.reacts(t.TempDir())
	p.place(25, 30)
	p.becomes(20, 5)
	stop()
	if n := p.commands(topic); n != 30 {
		t.Errorf("the stock was asked %d times, want 30", n)
	}
}

// patient waits for a second alone when an order is placed.
func patient(react func(waits, eventim.Message[told]) (waits, []eventim.Output)) func(waits, eventim.Message[told]) (waits, []eventim.Output) {
	return func(s waits, m eventim.Message[told]) (waits, []eventim.Output) {
		s, outputs := react(s, m)
		for _, o := range outputs {
			if o.At != nil {
				o.At.Due = m.Time.Add(time.Second)
			}
		}
		return s, outputs
	}
}

// forgotten has the broker forget groups, as it does with those that nobody is in.
func forgotten(t *testing.T, k eventim.Kafka, groups []string) bool {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(k.Brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	for _, group := range groups {
		if err := admin.DeleteConsumerGroup(group); err != nil && !errors.Is(err, sarama.ErrGroupIDNotFound) {
			return false
		}
	}
	return true
}

// Timers wait while a source has said something that the inbox does not have, and
// while the inbox has something that was not reacted to.
func TestWhatTimersWaitFor(t *testing.T) {
	t.Parallel()
	p := newProcess(t, time.Hour, 30)
	h, err := eventim.NewReactorHandler(p.reactor, p.config(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	routed := func() bool {
		routed, err := eventim.Routed(t.Context(), h)
		if err != nil {
			t.Fatal(err)
		}
		return routed
	}
	if !routed() {
		t.Error("sources that have said nothing are not passed on")
	}
	defer handles(p, orders(p.name))()
	p.place(0, 9)
	eventually(t, "the orders are placed", func() bool { is, _ := p.outcomes(); return is["placed"] == 9 })
	if routed() {
		t.Error("what nobody has read is passed on")
	}
	stop := p.reacts(p.dir)
	eventually(t, "the sources are passed on", routed)
	stop()
	behind := 0
	for partition := range int32(3) {
		for offset, want := range map[int64]bool{0: false, 1 << 40: true} {
			read, err := eventim.InboxRead(t.Context(), h, eventim.Position{Partition: partition, Offset: offset})
			if err != nil {
				t.Fatal(err)
			}
			if want && !read {
				t.Errorf("partition %d is not read at its end", partition)
			}
			if !want && !read {
				behind++
			}
		}
	}
	if behind == 0 { // of nine orders, one at least is in some partition
		t.Error("all of the inbox is read at its beginning")
	}
}

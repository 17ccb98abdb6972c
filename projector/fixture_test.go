package projector_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
)

// The domain of the tests: counters that are added to. To add is not
// idempotent, so that a record which is applied twice shows.
type add struct {
	Key string
	N   int64
}

const partitions = 3

// fixture is a topic, a database, and what the view must become.
type fixture struct {
	kafka    eventim.Kafka
	topic    string
	pool     *pgxpool.Pool
	producer *kgo.Client
	command  map[int32]int64 // the next command offset, by partition
	fold     map[string]int64
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	k := eventimtest.Kafka(t)
	k.Configure = hasten
	f := &fixture{
		kafka: k, topic: eventimtest.Name(t, "adds"), pool: pgtest.New(t),
		command: map[int32]int64{}, fold: map[string]int64{},
	}
	if err := migrations.Up(t.Context(), f.pool); err != nil {
		t.Fatal(err)
	}
	f.producer = transactional(t, k, f.topic)
	f.createTopic(t)
	return f
}

// createTopic makes the topic, and returns when its partitions can be written:
// a broker acknowledges a moment before that. One that was just deleted may be
// in the way, and be answered for, for as long.
func (f *fixture) createTopic(t *testing.T) {
	t.Helper()
	admin := kadm.NewClient(f.producer)
	eventually(t, func() error {
		_, err := admin.CreateTopic(t.Context(), partitions, 1, nil, f.topic)
		return err
	})
	eventually(t, func() error {
		ends, err := admin.ListEndOffsets(t.Context(), f.topic)
		empty := 0
		ends.Each(func(o kadm.ListedOffset) {
			if o.Err == nil && o.Offset == 0 {
				empty++
			}
		})
		if err == nil && empty != partitions {
			err = fmt.Errorf("%d of %d partitions are new: %v", empty, partitions, ends)
		}
		return err
	})
}

// hasten lets a group miss a killed member soon.
func hasten(c *sarama.Config) {
	c.Consumer.Group.Session.Timeout = 6 * time.Second // the least that Kafka allows by default
	if os.Getenv("EVENTIM_TEST_KAFKA") == "" {
		c.Consumer.Group.Session.Timeout = 2 * time.Second
	}
	c.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	c.Consumer.MaxWaitTime = 50 * time.Millisecond
}

func transactional(t *testing.T, k eventim.Kafka, id string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(k.Brokers...), kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// publish writes adds to one partition in a transaction, each caused by a
// command of its own, and returns the position of the last command.
func (f *fixture) publish(t *testing.T, partition int32, adds ...add) eventim.Position {
	t.Helper()
	f.transact(t, partition, kgo.TryCommit, adds...)
	for _, a := range adds {
		f.fold[a.Key] += a.N
	}
	f.command[partition] += int64(len(adds))
	return eventim.Position{Partition: partition, Offset: f.command[partition] - 1}
}

func (f *fixture) transact(t *testing.T, partition int32, end kgo.TransactionEndTry, adds ...add) {
	t.Helper()
	var records []*kgo.Record
	for i, a := range adds {
		value, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, f.record(partition, value, f.command[partition]+int64(i)))
	}
	f.produce(t, end, records...)
}

func (f *fixture) record(partition int32, value []byte, command int64) *kgo.Record {
	return &kgo.Record{
		Topic: f.topic, Partition: partition, Key: []byte("a"), Value: value,
		Headers: []kgo.RecordHeader{{Key: "ce_commandoffset", Value: []byte(strconv.FormatInt(command, 10))}},
	}
}

func (f *fixture) produce(t *testing.T, end kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	if err := f.producer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := f.producer.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := f.producer.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
}

// publishMany writes n adds, in transactions of a few, to all partitions.
func (f *fixture) publishMany(t *testing.T, n int) {
	t.Helper()
	for i := 0; i < n; {
		var adds []add
		for range 1 + i%40 {
			adds = append(adds, add{fmt.Sprint("key-", i%17), int64(i)})
			i++
		}
		// The same key is always in the same partition.
		byPartition := map[int32][]add{}
		for _, a := range adds {
			p := int32(len(a.Key)+int(a.Key[len(a.Key)-1])) % partitions
			byPartition[p] = append(byPartition[p], a)
		}
		for p, some := range byPartition {
			f.publish(t, p, some...)
		}
	}
}

const countersDDL = `
	create table counters (
		key text primary key,
		n   bigint not null
	);
	comment on table counters is 'Sums of what was added';
	comment on column counters.n is 'The sum';`

func (f *fixture) counters() projector.Projection[add] { return counters(f.topic) }

func counters(topic string) projector.Projection[add] {
	return projector.Projection[add]{
		Name: "counters", Version: 1, DDL: countersDDL, Write: writeCounters,
		Topic: eventim.Topic[add]{Name: topic, Decode: decodeAdd},
	}
}

func decodeAdd(r eventim.Record) (a add, err error) { return a, json.Unmarshal(r.Value, &a) }

func writeCounters(ctx context.Context, tx pgx.Tx, batch []add) error {
	var keys []string
	var ns []int64
	for _, a := range batch {
		keys, ns = append(keys, a.Key), append(ns, a.N)
	}
	_, err := tx.Exec(ctx, addCounters, keys, ns)
	return err
}

const addCounters = `
	insert into counters (key, n)
	select key, sum(n) from unnest($1::text[], $2::bigint[]) as added (key, n) group by key order by key
	on conflict (key) do update set n = counters.n + excluded.n`

func (f *fixture) config() projector.Config {
	return projector.Config{Kafka: f.kafka, Group: f.topic, MaxBatch: 50, ReanchorCommand: "shop reanchor", Logger: slog.New(slog.DiscardHandler)}
}

// start runs a projector until the test ends or the returned function is
// called, which returns what Run returned.
func start(t *testing.T, pool *pgxpool.Pool, config projector.Config, views ...projector.View) (*projector.Projector, func() error) {
	t.Helper()
	p, err := projector.New(pool, config, views...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return p, stop
}

// refused runs a projector that must not start, and returns why.
func (f *fixture) refused(t *testing.T, kafka eventim.Kafka, v projector.View) error {
	t.Helper()
	config := f.config()
	config.Kafka = kafka
	p, err := projector.New(f.pool, config, v)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err = p.Run(ctx); err == nil {
		t.Fatal("the projector ran, want a refusal")
	}
	return err
}

func (f *fixture) rows(ctx context.Context) (map[string]int64, error) {
	rows, err := f.pool.Query(ctx, `select key, n from counters`)
	if err != nil {
		return nil, err
	}
	got := map[string]int64{}
	var key string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&key, &n}, func() error { got[key] = n; return nil })
	return got, err
}

// awaitFold waits until the view is the fold of what was published.
func (f *fixture) awaitFold(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		got, err := f.rows(t.Context())
		if err == nil && !maps.Equal(got, f.fold) {
			err = fmt.Errorf("the view is %v, want %v", got, f.fold)
		}
		return err
	})
}

// eventually tries until condition holds, and fails with its last error.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func stoppedAt(p *projector.Projector) (stopped []projector.PartitionStatus) {
	for _, s := range p.Status() {
		if s.State == projector.Stopped {
			stopped = append(stopped, s)
		}
	}
	return stopped
}

var errNotYet = errors.New("not yet")

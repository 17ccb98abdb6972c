package task

import (
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/statestore"
)

// Scope is one batch while it is made: what it writes into the log and the store
// takes effect as one, or never. What a record changes, those behind it see. It
// knows nothing of Kafka, so that a Process is tested without.
type Scope struct {
	Partition int32
	Now       time.Time // by our clock, when the batch began
	Limit     int       // bytes of a record, with its overhead

	store   Store
	changes changes
	commit  Commit
}

// Store is what a scope reads: what is committed.
type Store interface {
	Get(key []byte) ([]byte, bool, error)
	Scan(from, to []byte, fn func(key, value []byte) error) error
}

// nothing is the store of a task without one.
type nothing struct{}

func (nothing) Get([]byte) ([]byte, bool, error)                      { return nil, false, nil }
func (nothing) Scan([]byte, []byte, func([]byte, []byte) error) error { return nil }

// Commit is what a batch leads to: the records to write in one transaction with the
// next position of the input, and what to keep in the state store once they are
// committed.
type Commit struct {
	Records []*sarama.ProducerMessage
	Next    int64 // offset after the last record of the input
	Inputs  int   // how many records of the input there are
	Size    int   // bytes of the values of the records, about
	Latest  int64 // when the newest record of the input was written, in Unix milliseconds

	changes changes
	kept    []func(*statestore.Write)
}

// NewScope begins a batch on what a store holds.
func NewScope(partition int32, limit int, now time.Time, store Store) *Scope {
	return &Scope{Partition: partition, Limit: limit, Now: now, store: store}
}

// took enters a record of the input.
func (s *Scope) took(m *sarama.ConsumerMessage) {
	s.commit.Next = m.Offset + 1
	s.commit.Inputs++
	s.commit.Latest = max(s.commit.Latest, m.Timestamp.UnixMilli())
}

// Emit writes records, in their order, into the partition of the input.
func (s *Scope) Emit(records ...*sarama.ProducerMessage) {
	for _, m := range records {
		s.EmitTo(s.Partition, m)
	}
}

// EmitTo writes a record into a partition.
func (s *Scope) EmitTo(partition int32, m *sarama.ProducerMessage) {
	m.Partition = partition
	if m.Value != nil {
		s.commit.Size += m.Value.Length()
	}
	s.commit.Records = append(s.commit.Records, m)
}

// Hold keeps a place among the records, for one of about that many bytes that is not
// known before Finish.
func (s *Scope) Hold(size int) (place int) {
	s.commit.Records = append(s.commit.Records, nil)
	s.commit.Size += size
	return len(s.commit.Records) - 1
}

// Fill puts a record into a place that was held.
func (s *Scope) Fill(place int, m *sarama.ProducerMessage) {
	m.Partition = s.Partition
	s.commit.Records[place] = m
}

// Weigh counts bytes that are written at the end of the batch.
func (s *Scope) Weigh(size int) { s.commit.Size += size }

// Keep has fn fill the write into the store. It is called when the records are
// committed, and have their offsets.
func (s *Scope) Keep(fn func(*statestore.Write)) { s.commit.kept = append(s.commit.kept, fn) }

// Commit is what the batch leads to so far.
func (s *Scope) Commit() Commit {
	c := s.commit
	c.changes = s.changes
	return c
}

const (
	// BatchBytes is how much a batch writes before it takes no more records: a
	// transaction has a timeout, and all that it writes is in memory.
	BatchBytes = 8 << 20
	// batchTime is how long a batch is processed before it takes no more: its first
	// record waits for its last, and whoever takes the partition over for both.
	batchTime = 200 * time.Millisecond
)

// Run processes records, from the first on, as many as a batch takes, and at least
// one.
func (s *Scope) Run(p Processor, records []*sarama.ConsumerMessage) error {
	begun := time.Now()
	p.Begin(s)
	for _, m := range records {
		s.took(m)
		if err := p.Process(s, m); err != nil {
			return err
		}
		if s.commit.Size >= BatchBytes || time.Since(begun) >= batchTime {
			break
		}
	}
	return p.Finish(s)
}

// Write fills a write with what the batch has changed.
func (c Commit) Write(w *statestore.Write) {
	for key, value := range c.changes {
		if value == nil {
			w.Delete([]byte(key))
		} else {
			w.Set([]byte(key), value)
		}
	}
	for _, fn := range c.kept {
		fn(w)
	}
}

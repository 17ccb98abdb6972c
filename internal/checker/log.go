package checker

import (
	"strconv"
	"time"
)

// Log is everything that an aggregate has in Kafka.
type Log struct {
	Commands, Results, Events, Snapshots, DeadLetters Topic

	// Committed are the offsets that the group has committed in the commands;
	// partitions without one are missing.
	Committed map[int32]int64
}

func (l *Log) topics() []*Topic {
	return []*Topic{&l.Commands, &l.Results, &l.Events, &l.Snapshots, &l.DeadLetters}
}

// Topic is a topic, partition by partition.
type Topic struct {
	Name       string
	Compacted  bool
	Partitions []Partition
}

// Partition is a partition, read twice.
type Partition struct {
	Start  int64 // the first offset that is still there
	Stable int64 // the last stable offset
	End    int64 // the high watermark

	Visible []Record // what a reader of committed records gets
	All     []Record // what was ever written, with the control records
}

// Record is a Kafka record.
type Record struct {
	Topic         string
	Partition     int32
	Offset        int64
	Time          time.Time
	Key, Value    []byte
	Headers       []Header
	ProducerID    int64
	Transactional bool
	Control       Control
}

// Header is a record header.
type Header struct {
	Name  string
	Value []byte
}

// Control tells the records that end a transaction from the others.
type Control int8

// The kinds of records.
const (
	Data Control = iota
	Commit
	Abort
)

func (r Record) header(name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

// count reads a header that holds a count; -1 when there is none.
func (r Record) count(name string) int64 {
	v, err := strconv.ParseInt(r.header(name), 10, 64)
	if err != nil || v < 0 {
		return -1
	}
	return v
}

func (r Record) where() string {
	return r.Topic + "/" + strconv.Itoa(int(r.Partition)) + ":" + strconv.FormatInt(r.Offset, 10)
}

// commandID is the id under which a command is answered: one that has none is
// answered under its position.
func (r Record) commandID() string {
	if id := r.header("ce_id"); id != "" {
		return id
	}
	return r.where()
}

package task

import "time"

// Progress says how far a partition is with filling its state store from Kafka. It
// is reported a few times a second, and when a stretch is done.
type Progress struct {
	Task      string // its name
	Topic     string // what is being read
	Partition int32
	Records   int64         // read so far
	Start     int64         // first offset of the stretch
	Position  int64         // next offset to read
	End       int64         // where the stretch ends
	Elapsed   time.Duration // since the stretch began
}

// Meter reports the progress of one stretch.
type Meter struct {
	Progress
	began, reported time.Time
	report          func(Progress)
}

const reportEvery = 200 * time.Millisecond

// NewMeter begins a stretch.
func NewMeter(task, topic string, partition int32, start, end int64, report func(Progress)) *Meter {
	now := time.Now()
	return &Meter{
		Progress: Progress{Task: task, Topic: topic, Partition: partition, Start: start, Position: start, End: end},
		began:    now, reported: now, report: report,
	}
}

// Advance reports that the stretch has been read up to position, unless that
// was done a moment ago, or that is its end, which Done reports.
func (m *Meter) Advance(position int64) {
	m.Position = position
	if position < m.End && time.Since(m.reported) >= reportEvery {
		m.tell()
	}
}

// Done reports that what was read of the stretch is in the store.
func (m *Meter) Done(position int64) {
	m.Position = position
	m.tell()
}

func (m *Meter) tell() {
	m.reported = time.Now()
	m.Elapsed = m.reported.Sub(m.began)
	if m.report != nil {
		m.report(m.Progress)
	}
}

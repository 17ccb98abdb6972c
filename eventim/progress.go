package eventim

import "time"

// RestoreProgress says how far a partition is with filling its state store
// from Kafka. It is reported a few times a second, and when a stretch is done.
type RestoreProgress struct {
	Aggregate string
	Topic     string // what is being read: snapshots, results, or events
	Partition int32
	Records   int64         // read so far
	Start     int64         // first offset of the stretch
	Position  int64         // next offset to read
	End       int64         // where the stretch ends
	Elapsed   time.Duration // since the stretch began
}

// Done reports whether the stretch has been read to its end, and is in the
// store.
func (p RestoreProgress) Done() bool { return p.Position >= p.End }

// Rate is in records a second.
func (p RestoreProgress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Records) / p.Elapsed.Seconds()
}

// Remaining estimates the time to the end, from the offsets read so far.
func (p RestoreProgress) Remaining() time.Duration {
	read := p.Position - p.Start
	if read <= 0 {
		return 0
	}
	return time.Duration(float64(p.Elapsed) * float64(p.End-p.Position) / float64(read))
}

// meter reports the progress of one stretch.
type meter struct {
	RestoreProgress
	began, reported time.Time
	report          func(RestoreProgress)
}

const reportEvery = 200 * time.Millisecond

func newMeter(aggregate, topic string, partition int32, start, end int64, report func(RestoreProgress)) *meter {
	now := time.Now()
	return &meter{
		RestoreProgress: RestoreProgress{Aggregate: aggregate, Topic: topic, Partition: partition, Start: start, Position: start, End: end},
		began:           now, reported: now, report: report,
	}
}

// advance reports that the stretch has been read up to position, unless that
// was done a moment ago, or that is its end, which done reports.
func (m *meter) advance(position int64) {
	m.Position = position
	if !m.Done() && time.Since(m.reported) >= reportEvery {
		m.tell()
	}
}

// done reports that what was read of the stretch is in the store.
func (m *meter) done(position int64) {
	m.Position = position
	m.tell()
}

func (m *meter) tell() {
	m.reported = time.Now()
	m.Elapsed = m.reported.Sub(m.began)
	if m.report != nil {
		m.report(m.RestoreProgress)
	}
}

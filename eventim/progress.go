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

// Done reports whether the stretch has been read to its end.
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

func (m *meter) advance(position int64) {
	m.Position = position
	now := time.Now()
	if m.report == nil || (now.Sub(m.reported) < reportEvery && !m.Done()) {
		return
	}
	m.reported, m.Elapsed = now, now.Sub(m.began)
	m.report(m.RestoreProgress)
}

package eventim

import (
	"time"

	"github.com/eventim-go/eventim/internal/task"
)

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

// restoreReport passes on the progress to whoever asked for it.
func (c HandlerConfig) restoreReport() func(task.Progress) {
	if c.OnRestore == nil {
		return nil
	}
	return func(p task.Progress) {
		c.OnRestore(RestoreProgress{p.Task, p.Topic, p.Partition, p.Records, p.Start, p.Position, p.End, p.Elapsed})
	}
}

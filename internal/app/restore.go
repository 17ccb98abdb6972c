package app

import (
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/eventim-go/eventim/eventim"
)

// RestoreProgress returns what to call with the progress of a restore: it
// draws a bar on a terminal, and logs elsewhere.
func (c *Console) RestoreProgress(logger *slog.Logger) func(eventim.RestoreProgress) {
	if c.terminal {
		return (&restoreBar{console: c, logger: logger, open: map[stretch]heard{}}).report
	}
	return (&restoreLog{logger: logger, logged: map[stretch]time.Duration{}}).report
}

// stretch is what is restored at a time.
type stretch struct {
	topic     string
	partition int32
}

func stretchOf(p eventim.RestoreProgress) stretch { return stretch{p.Topic, p.Partition} }

const logRestoreEvery = time.Second

// restoreLog writes a line a second for each stretch, and one for its end.
type restoreLog struct {
	logger *slog.Logger
	mu     sync.Mutex
	logged map[stretch]time.Duration // when, since the stretch began
}

func (r *restoreLog) report(p eventim.RestoreProgress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch key := stretchOf(p); {
	case p.Done():
		delete(r.logged, key)
		logRestored(r.logger, p)
	case p.Elapsed-r.logged[key] >= logRestoreEvery:
		r.logged[key] = p.Elapsed
		r.logger.Info("restoring", append(attrs(p), slog.Int64("end", p.End), slog.Duration("remaining", p.Remaining().Round(time.Second)))...)
	}
}

func logRestored(logger *slog.Logger, p eventim.RestoreProgress) {
	if p.Records == 0 {
		return // there was nothing to restore
	}
	logger.Info("restored", append(attrs(p), slog.Duration("took", p.Elapsed.Round(time.Millisecond)))...)
}

func attrs(p eventim.RestoreProgress) []any {
	return []any{
		slog.String("topic", p.Topic), slog.Int("partition", int(p.Partition)), slog.Int64("records", p.Records),
		slog.Int64("position", p.Position), slog.Int64("records_per_second", int64(p.Rate())),
	}
}

// restoreBar draws one bar for all that is being restored. What is restored
// within a report never shows.
type restoreBar struct {
	console *Console
	logger  *slog.Logger

	mu   sync.Mutex
	open map[stretch]heard // since there was nothing to restore
	bar  *progressbar.ProgressBar
}

// heard is a report and when it came.
type heard struct {
	eventim.RestoreProgress
	at time.Time
}

// silence is how long a stretch may say nothing before it counts as given up:
// its partition went to another process.
const silence = 10 * time.Second

func (r *restoreBar) report(p eventim.RestoreProgress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.open[stretchOf(p)] = heard{p, now}
	maps.DeleteFunc(r.open, func(_ stretch, h heard) bool { return now.Sub(h.at) > silence })
	sum := summarize(r.open)
	if r.bar == nil && sum.active > 0 {
		r.bar = r.newBar()
	}
	if r.bar != nil {
		r.draw(sum)
	}
	if sum.active == 0 {
		clear(r.open)
		r.bar = nil
	}
	if p.Done() {
		logRestored(r.logger, p)
	}
}

func (r *restoreBar) newBar() *progressbar.ProgressBar {
	return progressbar.NewOptions64(1, progressbar.OptionSetWriter(r.console.w), progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetPredictTime(true), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
}

func (r *restoreBar) draw(s restoreSum) {
	r.console.mu.Lock()
	defer r.console.mu.Unlock()
	r.console.progress = s.active > 0
	r.bar.ChangeMax64(s.total)
	r.bar.Describe(fmt.Sprintf("restoring %d partitions, %d records/s", s.active, s.rate))
	_ = r.bar.Set64(s.read) // a terminal that is gone is no reason to stop
}

// restoreSum is the progress of all stretches together, in offsets.
type restoreSum struct {
	active      int
	rate        int64 // records a second
	read, total int64
}

func summarize(stretches map[stretch]heard) restoreSum {
	var s restoreSum
	for _, p := range stretches {
		s.read += min(p.Position, p.End) - p.Start
		s.total += p.End - p.Start
		if !p.Done() {
			s.active++
			s.rate += int64(p.Rate())
		}
	}
	return s
}

package app

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

func progress(partition int32, position, end int64, elapsed time.Duration) eventim.RestoreProgress {
	return eventim.RestoreProgress{
		Aggregate: "invoice", Topic: "invoice-snapshots", Partition: partition,
		Records: position, Position: position, End: end, Elapsed: elapsed,
	}
}

func TestRestoreLogsOnceASecond(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	c := &Console{w: &log}
	report := c.RestoreProgress(c.Logger(LogText, slog.LevelInfo))
	for tick := range 25 { // five seconds of reports
		at := time.Duration(tick+1) * 200 * time.Millisecond
		report(progress(0, int64(tick+1)*1000, 25_000, at))
		report(progress(1, int64(tick+1)*1000, 100_000, at))
	}
	report(progress(2, 0, 0, 0))
	for _, c := range []struct {
		line string
		want int
	}{
		{"restoring topic=invoice-snapshots partition=0", 4},
		{"restored topic=invoice-snapshots partition=0 records=25000 position=25000 records_per_second=5000 took=5s", 1},
		{"restoring topic=invoice-snapshots partition=1", 5},
		{"remaining=15s", 1},
		{"partition=2", 0}, // nothing to restore
	} {
		if got := strings.Count(log.String(), c.line); got != c.want {
			t.Errorf("got %d lines with %q, want %d:\n%s", got, c.line, c.want, &log)
		}
	}
}

func TestRestoreDrawsOneBarOnATerminal(t *testing.T) {
	t.Parallel()
	var screen strings.Builder
	c := &Console{w: &screen, terminal: true}
	logger := c.Logger(LogAuto, slog.LevelInfo)
	report := c.RestoreProgress(logger)

	report(progress(0, 10, 10, time.Millisecond))
	if strings.Contains(screen.String(), "restoring") {
		t.Fatalf("a restore of a moment draws a bar: %q", &screen)
	}
	report(progress(1, 500, 1000, time.Second))
	report(progress(2, 250, 1000, time.Second))
	if want := "restoring 2 partitions, 750 records/s"; !strings.Contains(screen.String(), want) || !strings.Contains(screen.String(), "37%") {
		t.Errorf("got %q, want %q at 37%%", &screen, want)
	}
	screen.Reset()
	logger.Info("something else")
	if !strings.HasPrefix(screen.String(), clearLine) || !strings.HasSuffix(screen.String(), "\n") {
		t.Errorf("got %q, want the bar cleared and a whole line", &screen)
	}
	report(progress(1, 1000, 1000, 2*time.Second))
	report(progress(2, 1000, 1000, 2*time.Second))
	screen.Reset()
	logger.Info("afterwards")
	if strings.Contains(screen.String(), clearLine) {
		t.Errorf("got %q, want no bar any more", &screen)
	}
}

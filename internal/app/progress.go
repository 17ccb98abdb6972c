package app

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress shows how far something is: a bar on a terminal, log lines elsewhere.
type Progress struct {
	console *Console
	logger  *slog.Logger
	what    string
	bar     *progressbar.ProgressBar // nil: lines
}

// Progress begins to show how far something is.
func (c *Console) Progress(logger *slog.Logger, what string) *Progress {
	p := &Progress{console: c, logger: logger, what: what}
	if c.terminal {
		p.bar = progressbar.NewOptions64(1, progressbar.OptionSetWriter(c.w), progressbar.OptionUseANSICodes(true),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	return p
}

// Show shows that so many of all are done, and how many a second are.
func (p *Progress) Show(done, all int64, rate float64) {
	left := "unknown"
	if rate > 0 {
		left = time.Duration(float64(all-done) / rate * float64(time.Second)).Round(time.Second).String()
	}
	if p.bar == nil {
		p.logger.Info(p.what, slog.Int64("done", done), slog.Int64("all", all),
			slog.Int64("records_per_second", int64(rate)), slog.String("remaining", left))
		return
	}
	p.console.mu.Lock()
	defer p.console.mu.Unlock()
	p.console.progress = true
	p.bar.ChangeMax64(max(1, all))
	p.bar.Describe(fmt.Sprintf("%s, %.0f records/s, %s left", p.what, rate, left))
	_ = p.bar.Set64(min(done, max(0, all-1))) // a full bar ends itself
}

// Close takes the bar away.
func (p *Progress) Close() {
	if p.bar == nil {
		return
	}
	p.console.mu.Lock()
	defer p.console.mu.Unlock()
	if p.console.progress {
		p.console.progress = false
		_, _ = p.console.w.Write([]byte(clearLine))
	}
}

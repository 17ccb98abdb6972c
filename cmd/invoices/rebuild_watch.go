package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventim-go/eventim/projector"
)

// watchRebuild shows the progress of a rebuild, as a bar on a terminal and as lines
// elsewhere, until it does not go on by itself: it is compared, live, gone, or has
// failed. The last two are errors.
func watchRebuild(ctx context.Context, r projector.Rebuilds, view string, p process) error {
	progress := p.console.Progress(p.logger, "rebuilding "+view)
	defer progress.Close()
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		found, err := r.Find(ctx, view)
		if err != nil {
			return err
		}
		if rests(found) {
			progress.Close()
			return errors.Join(printRebuild(p.out, found), failure(found))
		}
		done, all := offsetsOf(found)
		progress.Show(done, all, speed(found))
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// rests tells whether a rebuild waits for a person, or for nothing any more.
func rests(r projector.Rebuild) bool {
	if r.Error != "" || r.Paused || r.EndedAt != nil || r.State == projector.RebuildSwapped {
		return true
	}
	return r.State == projector.RebuildBuilt && r.Comparison != nil && (!r.SwapWhenEqual || !r.Comparison.Equal())
}

func failure(r projector.Rebuild) error {
	switch {
	case r.Error != "":
		return fmt.Errorf("rebuild %d has failed; the live rows stay as they are", r.ID)
	case r.State == projector.RebuildCanceled:
		return fmt.Errorf("rebuild %d was canceled", r.ID)
	default:
		return nil
	}
}

// speed is what all partitions do together, in offsets a second.
func speed(r projector.Rebuild) (sum float64) {
	for _, p := range r.Partitions {
		sum += p.Rate
	}
	return sum
}

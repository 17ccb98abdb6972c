package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// pauses are the longest times without a result that an event caused, in the partitions
// that stay where they are, and in those that move.
type pauses struct {
	handler, event string
	quiet, stay    time.Duration // of the partition that stays and paused longest
	ratio          float64       // the largest of a partition that stays, to its own pause while all was quiet
	move           time.Duration
	stayed, moved  int
}

// pausesOf leaves out the partitions of the sleeper while it sleeps: they stop with it.
func pausesOf(handler, event string, quiet, silences map[int32]time.Duration, before, after map[int32]string, sleeper string) pauses {
	p := pauses{handler: handler, event: event}
	for partition, silence := range silences {
		switch {
		case event == slowJoin && before[partition] == sleeper:
		case before[partition] != after[partition]:
			p.moved, p.move = p.moved+1, max(p.move, silence)
		default:
			p.stayed, p.ratio = p.stayed+1, max(p.ratio, silence.Seconds()/quiet[partition].Seconds())
			p.stay, p.quiet = max(p.stay, silence), max(p.quiet, quiet[partition])
		}
	}
	return p
}

// rebalanceTable is what the rounds have found, from the lowest to the highest.
func rebalanceTable(all []pauses) string {
	var b strings.Builder
	b.WriteString("| a member … | handler | stay: ms | quiet: ms | stay, of its own quiet minute | move: ms |\n| --- | --- | ---: | ---: | ---: | ---: |\n")
	var done []string
	for _, p := range all {
		row := p.event + " | " + p.handler
		if slices.Contains(done, row) {
			continue
		}
		done = append(done, row)
		var same []pauses
		for _, q := range all {
			if q.event == p.event && q.handler == p.handler {
				same = append(same, q)
			}
		}
		ms := func(of func(pauses) time.Duration) string {
			return span(same, "%.0f", func(q pauses) float64 { return 1000 * of(q).Seconds() })
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", row,
			ms(func(q pauses) time.Duration { return q.stay }), ms(func(q pauses) time.Duration { return q.quiet }),
			span(same, "%.1f", func(q pauses) float64 { return q.ratio }), ms(func(q pauses) time.Duration { return q.move }))
	}
	return b.String()
}

func span(all []pauses, format string, of func(pauses) float64) string {
	var values []float64
	for _, p := range all {
		values = append(values, of(p))
	}
	low, high := fmt.Sprintf(format, slices.Min(values)), fmt.Sprintf(format, slices.Max(values))
	if low == high {
		return low
	}
	return low + "–" + high
}

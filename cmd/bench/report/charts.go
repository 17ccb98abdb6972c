package report

import (
	"fmt"
	"math"

	"github.com/eventim-go/eventim/internal/page"
)

// Charts draws the plots of the page, by file name.
func Charts(r Results) map[string][]byte {
	charts := map[string][]byte{}
	for _, p := range r.partitions(Closed) {
		charts[fmt.Sprintf("throughput-%d.svg", p)] = r.bars(fmt.Sprintf("Commands per second, closed loop, %d partitions", p), Closed, p, 0, PerSecond)
	}
	for _, p := range r.partitions(Backlog) {
		charts[fmt.Sprintf("backlog-%d.svg", p)] = r.bars(fmt.Sprintf("Commands per second, backlog, %d partitions", p), Backlog, p, 0, PerSecond)
	}
	for _, p := range r.partitions(Open) {
		for _, rate := range r.rates() {
			charts[fmt.Sprintf("latency-%d-%d.svg", p, rate)] = r.latencyChart(p, rate)
		}
		charts[fmt.Sprintf("cpu-%d.svg", p)] = r.bars(fmt.Sprintf("CPU ms per 1,000 commands at %s/s, %d partitions", page.Thousands(costRate), p), Open, p, costRate, CPUPer1000)
	}
	for _, p := range r.partitions(Restart) {
		charts["restart.svg"] = r.bars("Seconds from kill -9 to the first result", Restart, p, 0, FirstResult)
		charts["restore.svg"] = r.bars("Seconds to start without the data directory", Restore, p, 0, Running)
	}
	return charts
}

// bars draws a figure of all contenders: the median, with the spread.
func (r Results) bars(title string, phase Phase, partitions int32, rate int, f Figure) []byte {
	const left, width, row = 300.0, 400.0, 30.0
	list := r.having(phase)
	s := page.NewDrawing(left+width+70, 52+row*float64(len(list)), title)
	highest := 0.0
	for _, c := range list {
		highest = max(highest, r.Stat(Case{c.Name, partitions, phase, rate}, f).Max)
	}
	scale := func(v float64) float64 { return left + width*v/max(highest, 1e-9) }
	for i, c := range list {
		y := 44 + row*float64(i)
		s.Text(left-10, y+16, "ink", "end", c.Title)
		stat := r.Stat(Case{c.Name, partitions, phase, rate}, f)
		if stat.N == 0 {
			s.Text(left+4, y+16, "faint", "start", "not measured")
			continue
		}
		s.Rect(left, y+2, scale(stat.Median)-left, row-10, colour(c.Name))
		if stat.N > 1 {
			s.Line(scale(stat.Min), y+row/2-3, scale(stat.Max), y+row/2-3, "spread")
		}
		s.Text(scale(stat.Max)+8, y+16, "faint", "start", number(stat.Median))
	}
	return s.Bytes()
}

// latencyChart draws the distribution of each contender, the median of the
// rounds at each percentile. Both axes are logarithmic: of what is beyond the
// percentile, and of time.
func (r Results) latencyChart(partitions int32, rate int) []byte {
	const left, top, width, height, legend = 60.0, 44.0, 480.0, 300.0, 270.0
	s := page.NewDrawing(left+width+legend, top+height+44, fmt.Sprintf("Milliseconds to the result by percentile, %s commands/s, %d partitions", page.Thousands(int64(rate)), partitions))
	curves := r.curves(partitions, rate)
	low, high := math.Inf(1), 0.0
	for _, c := range curves {
		for _, p := range c {
			low, high = min(low, p[1]), max(high, p[1])
		}
	}
	low, high = math.Floor(math.Log10(max(low, 1e-3))), math.Ceil(math.Log10(max(high, 1)))
	x := func(percentile float64) float64 { return left + width*-math.Log10(1-percentile/100)/4 }
	y := func(ms float64) float64 { return top + height*(high-math.Log10(ms))/(high-low) }
	for e := low; e <= high; e++ {
		s.Line(left, y(math.Pow(10, e)), left+width, y(math.Pow(10, e)), "rule")
		s.Text(left-8, y(math.Pow(10, e))+4, "faint", "end", fmt.Sprintf("%g", math.Pow(10, e)))
	}
	for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99} {
		s.Line(x(p), top, x(p), top+height, "rule")
		s.Text(x(p), top+height+18, "faint", "middle", fmt.Sprintf("%g %%", p))
	}
	n := 0
	for _, c := range r.having(Open) {
		points, ok := curves[c.Name]
		if !ok {
			continue
		}
		for i, p := range points {
			points[i] = [2]float64{x(p[0]), y(p[1])}
		}
		s.Path(points, colour(c.Name))
		at := top + 10 + 22*float64(n)
		s.Rect(left+width+20, at-6, 18, 4, colour(c.Name))
		s.Text(left+width+46, at, "ink", "start", c.Title)
		n++
	}
	return s.Bytes()
}

// curves returns the percentiles of each contender.
func (r Results) curves(partitions int32, rate int) map[string][][2]float64 {
	curves := map[string][][2]float64{}
	for _, c := range r.having(Open) {
		at := Case{c.Name, partitions, Open, rate}
		for _, run := range r.Runs {
			if run.inCase() != at || run.Latency == nil || curves[c.Name] != nil {
				continue
			}
			for i, p := range run.Latency.Percentiles {
				median := r.Stat(at, latency(func(l Latency) float64 { return l.Percentiles[i][1] })).Median
				curves[c.Name] = append(curves[c.Name], [2]float64{p[0], max(median, 1e-3)})
			}
		}
	}
	return curves
}

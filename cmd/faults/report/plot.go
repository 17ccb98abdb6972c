package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/eventim-go/eventim/internal/page"
)

const (
	left, top, width, height = 60.0, 44.0, 720.0, 280.0
	plotPoints               = 360 // of a line: what falls together shows its highest
)

// MemoryPlot draws the resident memory of each process over all runs, one
// after the other; lines between them are where everything began anew.
func (all Reports) MemoryPlot() []byte {
	drawing := page.NewDrawing(left+width+150, top+height+44, "Resident memory of each process, MiB")
	total, highest := 1.0, 1.0
	for _, r := range all {
		total += r.Seconds
		for _, s := range r.Memory {
			for _, b := range s.Bytes {
				highest = max(highest, mebibytes(b))
			}
		}
	}
	x := func(s float64) float64 { return left + width*s/total }
	y := func(mib float64) float64 { return top + height*(1-mib/highest) }
	axes(drawing, total, highest, x, y)
	before := 0.0
	for _, r := range all {
		if before > 0 {
			drawing.Line(x(before), top, x(before), top+height, "spread")
		}
		for _, name := range r.processes() {
			drawing.Path(r.line(name, before, total, x, y), colour(name))
		}
		before += r.Seconds
	}
	for i, role := range []string{"handler", "projector", "web"} {
		at := top + 10 + 22*float64(i)
		drawing.Rect(left+width+20, at-6, 18, 4, colour(role))
		drawing.Text(left+width+46, at, "ink", "start", role)
	}
	return drawing.Bytes()
}

func axes(d *page.Drawing, total, highest float64, x, y func(float64) float64) {
	for mib := 0.0; mib <= highest; mib += step(highest) {
		d.Line(left, y(mib), left+width, y(mib), "rule")
		d.Text(left-8, y(mib)+4, "faint", "end", fmt.Sprint(mib))
	}
	minutes := total / 60
	for m := 0.0; m <= minutes; m += step(minutes) {
		d.Text(x(m*60), top+height+18, "faint", "middle", fmt.Sprintf("%g min", m))
	}
}

// step is a round number of which four to ten are in a range.
func step(of float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(of)))
	for _, part := range []float64{0.1, 0.2, 0.25, 0.5} {
		if of/(part*power) <= 10 {
			return part * power
		}
	}
	return power
}

func (r *Report) processes() (names []string) {
	for _, s := range r.Memory {
		for name := range s.Bytes {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// line has the highest of the samples that fall on one point.
func (r *Report) line(process string, before, total float64, x, y func(float64) float64) (points [][2]float64) {
	bucket, last := total/plotPoints, -1
	for _, s := range r.Memory {
		b, ok := s.Bytes[process]
		if !ok {
			continue
		}
		at, high := before+s.At, y(mebibytes(b))
		if k := int(at / bucket); k != last {
			points, last = append(points, [2]float64{x(at), high}), k
		} else if p := &points[len(points)-1]; high < p[1] {
			p[1] = high
		}
	}
	return points
}

func mebibytes(b int64) float64 { return float64(b) / (1 << 20) }

// colour of a process: those of a role look alike.
func colour(process string) string {
	switch {
	case strings.HasPrefix(process, "handler"):
		return "#2563eb"
	case strings.HasPrefix(process, "projector"):
		return "#16a34a"
	default:
		return "#ea580c"
	}
}

package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/eventim-go/eventim/internal/page"
)

// key is what was measured.
type key struct {
	broker, system, until string
	callers               int
}

func (k key) String() string {
	return fmt.Sprintf("%s %s, %d callers until the %s:", k.broker, k.system, k.callers, k.until)
}

func (f figure) String() string {
	return fmt.Sprintf("%.0f/s, p50 %s, p99 %s, CPU of a command %.0f + %.0f µs",
		f.perSecond, f.p50.Round(10*time.Microsecond), f.p99.Round(10*time.Microsecond), 1e6*f.writer, 1e6*f.postgres)
}

// figures are those of all rounds.
type figures map[key][]figure

// of is the median of the rounds, of each value by itself.
func (f figures) of(k key) (figure, bool) {
	runs := f[k]
	if len(runs) == 0 {
		return figure{}, false
	}
	return figure{
		perSecond: median(runs, func(f figure) float64 { return f.perSecond }),
		p50:       median(runs, func(f figure) time.Duration { return f.p50 }),
		p99:       median(runs, func(f figure) time.Duration { return f.p99 }),
		writer:    median(runs, func(f figure) float64 { return f.writer }),
		postgres:  median(runs, func(f figure) float64 { return f.postgres }),
	}, true
}

func median[T cmp.Ordered](runs []figure, value func(figure) T) T {
	var all []T
	for _, f := range runs {
		all = append(all, value(f))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// report prints the tables, and puts them into the page.
func (r *httpRun) report() error {
	text := r.tables()
	fmt.Println(text)
	if r.Docs == "" {
		return nil
	}
	return page.FillFile(filepath.Join(r.Docs, "benchmarks.md"), map[string]string{"http": text})
}

func (r *httpRun) tables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "- When: %s\n- Command: `bench %s`\n- %d rounds; %g s warm-up and %g s measured each; the tables give medians\n",
		time.Now().UTC().Format("2006-01-02 15:04 MST"), strings.Join(os.Args[1:], " "), r.Rounds, r.Warm.Seconds(), r.Measure.Seconds())
	for _, broker := range r.Brokers {
		for _, until := range r.Until {
			r.table(&b, broker, until)
		}
		r.ratios(&b, broker)
	}
	return b.String()
}

func (r *httpRun) table(b *strings.Builder, broker, until string) {
	fmt.Fprintf(b, "\n### HTTP to the %s, %s\n\n| system | callers | commands/s | p50 ms | p99 ms | CPU of writer, µs a command | of Postgres |\n"+
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n", until, brokerNames[broker])
	for _, system := range r.Systems {
		for _, n := range r.Callers {
			if f, ok := r.figures.of(key{broker, system, until, n}); ok {
				fmt.Fprintf(b, "| %s | %s | %s | %.1f | %.1f | %.0f | %.0f |\n", systemNames[system], page.Thousands(int64(n)),
					page.Thousands(int64(f.perSecond)), milliseconds(f.p50), milliseconds(f.p99), 1e6*f.writer, 1e6*f.postgres)
			}
		}
	}
}

var (
	brokerNames = map[string]string{"embedded": "embedded broker", "kafka": "Apache Kafka"}
	systemNames = map[string]string{"plain": "plain program", "lanes": "product", "single": "product without lanes"}
)

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// ratios compare what was measured in this run.
func (r *httpRun) ratios(b *strings.Builder, broker string) {
	fmt.Fprintf(b, "\n| %s, to the result | of the plain program's throughput | of that without lanes | CPU of projector and Postgres, of that without lanes | p50, of that of one caller |\n"+
		"| --- | ---: | ---: | ---: | ---: |\n", brokerNames[broker])
	at := func(system string, n int) figure {
		f, _ := r.figures.of(key{broker, system, "result", n})
		return f
	}
	for _, n := range r.Callers {
		plain, lanes, single := at("plain", n), at("lanes", n), at("single", n)
		fmt.Fprintf(b, "| %s callers | %s | %s | %s | %s |\n", page.Thousands(int64(n)), ratio(lanes.perSecond, plain.perSecond),
			ratio(lanes.perSecond, single.perSecond), ratio(lanes.writer+lanes.postgres, single.writer+single.postgres),
			ratio(lanes.p50.Seconds(), at("lanes", r.Callers[0]).p50.Seconds()))
	}
}

// ratio is empty where something was not measured.
func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", a/b)
}

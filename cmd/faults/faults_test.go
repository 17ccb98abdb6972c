package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestCrashPointsAreThoseOfTheCode compares the names here with the calls
// there.
func TestCrashPointsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../eventim/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of package eventim: %v", len(files), err)
	}
	rooms, err := filepath.Glob("../../internal/*/*.go")
	if err != nil || len(rooms) == 0 {
		t.Fatalf("%d files of the rooms below: %v", len(rooms), err)
	}
	files = append(files, rooms...)
	call := regexp.MustCompile(`faultpoint\.At\("([^"]+)"\)`)
	var code []string
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // our own code
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range call.FindAllSubmatch(text, -1) {
			code = append(code, string(match[1]))
		}
	}
	here := slices.Concat(loopPoints, takeOverPoints, []string{fenced})
	slices.Sort(code)
	slices.Sort(here)
	if !slices.Equal(code, here) {
		t.Errorf("the code has the crash points\n%q, the faults use\n%q", code, here)
	}
}

func TestSeedDecidesFaults(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (names []string) {
		n := &nemesis{random: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // to be repeated
		for range 500 {
			names = append(names, n.next(faults).name)
		}
		return names
	}
	first := draw(1)
	if !slices.Equal(first, draw(1)) || slices.Equal(first, draw(2)) {
		t.Error("the faults do not depend on the seed alone")
	}
	for _, f := range faults {
		if !slices.Contains(first, f.name) {
			t.Errorf("%q does not happen in %d faults", f.name, len(first))
		}
	}
}

func TestFaultsByName(t *testing.T) {
	t.Parallel()
	all, err := those(nil)
	if err != nil || len(all) != len(faults) {
		t.Errorf("without names, %d faults of %d: %v", len(all), len(faults), err)
	}
	some, err := those([]string{"kill Postgres", "kill a broker"})
	if err != nil || len(some) != 2 || some[0].name != "kill Postgres" || some[1].name != "kill a broker" {
		t.Errorf("%d faults of 2: %v", len(some), err)
	}
	if _, err := those([]string{"kill"}); err == nil {
		t.Error("a name that no fault has is accepted")
	}
}

func TestLongestGap(t *testing.T) {
	t.Parallel()
	at := func(seconds ...int) (times []time.Time) {
		for _, s := range seconds {
			times = append(times, time.Unix(int64(s), 0))
		}
		return times
	}
	for name, c := range map[string]struct {
		times []time.Time
		want  time.Duration
	}{
		"no answer at all":               {nil, 20 * time.Second},
		"from the fault to the first":    {at(17, 18, 19, 24, 29), 7 * time.Second},
		"between two":                    {at(11, 12, 21, 22, 29), 9 * time.Second},
		"from the last to the end":       {at(11, 12, 13), 17 * time.Second},
		"what was before does not count": {at(1, 2, 9, 20), 10 * time.Second},
		"nor what comes after":           {at(15, 20, 25, 31, 90), 5 * time.Second},
	} {
		if got := longestGap(c.times, time.Unix(10, 0), time.Unix(30, 0)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestEachPartitionIsProbed(t *testing.T) {
	t.Parallel()
	const partitions = 12
	hash := kgo.StickyKeyPartitioner(nil).ForTopic("invoice-commands")
	for k, id := range newProbes(nil, partitions).invoices {
		if got := hash.Partition(&kgo.Record{Key: []byte(id)}, partitions); got != k {
			t.Errorf("the probe of partition %d goes to %d", k, got)
		}
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	o := orders{t.TempDir()}
	if o.crashPending() {
		t.Error("there is an order before there was one")
	}
	if err := o.give("crash", "stored 3"); err != nil || !o.crashPending() {
		t.Fatalf("the order is not there: %v", err)
	}
	for _, want := range []bool{true, false} {
		if was, err := o.withdraw("crash"); err != nil || was != want {
			t.Errorf("withdrawn: %v, %v, want %v", was, err, want)
		}
	}
}

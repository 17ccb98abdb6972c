package projector

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

func caused(offset, command int64) eventim.Record {
	return eventim.Record{
		Position: eventim.Position{Offset: offset},
		Headers:  []*eventim.Header{{Key: []byte("ce_commandoffset"), Value: []byte(strconv.FormatInt(command, 10))}},
	}
}

func TestAdvanceAppliesWholeTransactions(t *testing.T) {
	t.Parallel()
	// A transaction of commands 4, 5 and 6, of which 4 and 6 changed the same
	// aggregate: its snapshot, of 6, comes before that of 5.
	first, second := caused(10, 6), caused(11, 5)
	start := position{next: 10, applied: 3, seen: 3}
	tests := map[string]struct {
		records []eventim.Record
		end     int64
		want    position
	}{
		"complete, and the last of the log":     {[]eventim.Record{first, second}, 13, position{next: 12, applied: 6, seen: 6}},
		"complete, as the gap shows":            {[]eventim.Record{first, second, caused(13, 7)}, 99, position{next: 14, applied: 6, seen: 7}},
		"cut inside":                            {[]eventim.Record{first}, 13, position{next: 11, applied: 3, seen: 6}},
		"perhaps complete, but more is written": {[]eventim.Record{first, second}, 14, position{next: 12, applied: 3, seen: 6}},
		"an event of no command":                {[]eventim.Record{{Position: eventim.Position{Offset: 10}}}, 11, position{next: 11, applied: 3, seen: 3}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := start.advance(test.records, test.end); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// However the records are cut into batches, and whenever the process starts
// again from what it stored, no command is promised too early, and all are in
// the end.
func TestAdvanceInAnyBatches(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test
		records, complete, end := randomLog(random)
		// What is fetched is visible, so its marker is in the log too.
		p := position{applied: -1, seen: -1}
		for rest := records; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			visible := complete[rest[n-1].Position.Offset].end
			visible += random.Int64N(end - visible + 1)
			p = p.advance(rest[:n], visible)
			if limit := complete[rest[n-1].Position.Offset].command; p.applied > limit {
				t.Fatalf("seed %d: after %d, command %d is promised, but only %d is complete", seed, p.next-1, p.applied, limit)
			}
			rest = rest[n:]
		}
		if p.applied != p.seen {
			t.Fatalf("seed %d: at the end, %d is promised of %d", seed, p.applied, p.seen)
		}
	}
}

// written is what is known of a record: the highest command that is complete
// once it is applied, and where its transaction ends, with the marker.
type written struct{ command, end int64 }

// randomLog returns the records of some transactions, what is known of them by
// offset, and the end of the log.
func randomLog(random *rand.Rand) (records []eventim.Record, known map[int64]written, end int64) {
	known = map[int64]written{}
	done, command := int64(-1), int64(0)
	for range 1 + random.IntN(5) {
		size := 1 + random.IntN(5)
		marker := end + int64(size)
		for i, c := range random.Perm(size) {
			records = append(records, caused(end, command+int64(c)))
			if i == size-1 {
				done = command + int64(size) - 1
			}
			known[end] = written{done, marker + 1}
			end++
		}
		command += int64(size)
		end = marker + 1
	}
	return records, known, end
}

func TestReachSettlesWhatWasSeen(t *testing.T) {
	t.Parallel()
	p := position{target: 20}.advance([]eventim.Record{caused(3, 8)}, math.MaxInt64)
	if p.applied != 0 || !p.building() {
		t.Fatalf("got %+v, want command 8 pending and the version behind", p)
	}
	if p = p.reach(20); p.applied != 8 || p.building() {
		t.Errorf("got %+v, want command 8 applied and the version caught up", p)
	}
}

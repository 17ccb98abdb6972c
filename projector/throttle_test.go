package projector

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However records come, no more of them go than the rate and one portion allow.
func TestAThrottleKeepsItsRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.5, 10_000).Draw(t, "rate")
		throttle := newThrottle()
		throttle.set(rate)
		begun := time.Unix(1_000_000, 0)
		now, taken, last := begun, 0, 0
		for range rapid.IntRange(1, 50).Draw(t, "turns") {
			now = now.Add(time.Duration(rapid.IntRange(0, 500).Draw(t, "ms later")) * time.Millisecond)
			n := throttle.portion(rapid.IntRange(1, 2000).Draw(t, "records"))
			now = now.Add(throttle.take(0, n, true, now))
			if allowed := rate*now.Sub(begun).Seconds() + 1e-3; float64(taken) > allowed {
				t.Fatalf("%d went within %v, which is more than %f", taken, now.Sub(begun), allowed)
			}
			taken, last = taken+n, n
		}
		if most := max(1, int(rate/5)); last > most {
			t.Fatalf("a portion is %d, want at most %d", last, most)
		}
	})
}

func TestAThrottleWithoutARateHoldsNobody(t *testing.T) {
	t.Parallel()
	throttle := newThrottle()
	now := time.Unix(1_000_000, 0)
	if n, pause := throttle.portion(5000), throttle.take(0, 5000, true, now); n != 5000 || pause != 0 {
		t.Errorf("it lets %d go after %v", n, pause)
	}
	throttle.set(1)
	throttle.take(0, 100, true, now)
	if pause := throttle.take(0, 1, false, now); pause != 0 {
		t.Errorf("what is built waits %v", pause)
	}
	if pause := throttle.take(1, 1, true, now); pause != 0 {
		t.Errorf("another partition waits %v", pause)
	}
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	for want, p := range map[time.Duration]RebuildPartition{
		0:                {Next: 5, Target: 5, Rate: 3},
		-1:               {Next: 1, Target: 5},
		20 * time.Second: {Next: 100, Target: 300, Rate: 10},
	} {
		if got := p.Remaining(); got != want {
			t.Errorf("%+v: got %v, want %v", p, got, want)
		}
	}
}

package web

import (
	"strconv"
	"testing"
	"time"
)

func TestLimitsAreOfEachWhoAsks(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := newLimits(2, 4, func() time.Time { return now })
	taken := func(key string) (n int) {
		for range 10 {
			if l.allow(key) {
				n++
			}
		}
		return n
	}
	if a, b := taken("a"), taken("b"); a != 4 || b != 4 {
		t.Errorf("at once: %d and %d, want 4", a, b)
	}
	now = now.Add(time.Second)
	if a := taken("a"); a != 2 {
		t.Errorf("a second later: %d, want 2", a)
	}
}

func TestLimitsForgetRatherThanGrow(t *testing.T) {
	t.Parallel()
	l := newLimits(1, 1, time.Now)
	for i := range maxBuckets + 1000 {
		l.allow(strconv.Itoa(i))
	}
	if n := l.buckets.Len(); n != maxBuckets {
		t.Errorf("%d buckets", n)
	}
}

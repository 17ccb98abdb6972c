package money

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAllocateExamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor   int64
		weights []int64
		want    []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}}, // of equal remainders the first
		{-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{1, []int64{1, 2}, []int64{0, 1}},
		{10, []int64{3, 3, 4}, []int64{3, 3, 4}},
		{0, []int64{5, 0}, []int64{0, 0}},
		{7, []int64{0, 0}, []int64{4, 3}}, // nothing to go by
		{math.MaxInt64, []int64{math.MaxInt64, math.MaxInt64}, []int64{1 << 62, 1<<62 - 1}},
	} {
		got, err := Amount{c.minor, "EUR"}.Allocate(c.weights)
		if err != nil || !slices.EqualFunc(got, c.want, func(m Amount, minor int64) bool { return m == Amount{minor, "EUR"} }) {
			t.Errorf("%d by %v is %v, %v, want %v", c.minor, c.weights, got, err, c.want)
		}
	}
}

func TestAllocateRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor   int64
		weights []int64
	}{
		{1, nil},
		{1, []int64{2, -1}},
		{math.MinInt64, []int64{1}},
		{1, []int64{math.MaxInt64, math.MaxInt64, math.MaxInt64}},
	} {
		if got, err := (Amount{c.minor, "EUR"}).Allocate(c.weights); err == nil {
			t.Errorf("%d by %v is %v, want an error", c.minor, c.weights, got)
		}
	}
}

// TestAllocate: the parts add up, each is its exact share rounded down or up,
// and none that was rounded up had a smaller remainder than one that was not.
func TestAllocate(t *testing.T) {
	t.Parallel()
	size := rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, math.MaxInt64/8))
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.OneOf(rapid.Int64Range(-20, 20), rapid.Int64Min(-math.MaxInt64)).Draw(t, "minor")
		weights := rapid.SliceOfN(size, 1, 8).Draw(t, "weights")
		parts, err := Amount{minor, "EUR"}.Allocate(weights)
		if err != nil {
			t.Fatal(err)
		}
		var sum, all int64
		for i, p := range parts {
			sum, all = sum+p.minor, all+weights[i]
		}
		if sum != minor {
			t.Fatalf("%d by %v is %v, which is %d", minor, weights, parts, sum)
		}
		if all == 0 {
			return
		}
		var up, down []*big.Rat // what was left of the shares, of those rounded up and of the others
		for i, p := range parts {
			share := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(max(minor, -minor)), big.NewInt(weights[i])), big.NewInt(all))
			floor := new(big.Int).Quo(share.Num(), share.Denom())
			rest := new(big.Rat).Sub(share, new(big.Rat).SetInt(floor))
			switch got := max(p.minor, -p.minor) - floor.Int64(); got {
			case 0:
				down = append(down, rest)
			case 1:
				up = append(up, rest)
			default:
				t.Fatalf("part %d of %d by %v is %v, want %v rounded", i, minor, weights, p, share)
			}
		}
		for _, u := range up {
			if slices.ContainsFunc(down, func(d *big.Rat) bool { return d.Cmp(u) > 0 }) {
				t.Fatalf("%d by %v is %v: a smaller remainder was rounded up", minor, weights, parts)
			}
		}
	})
}

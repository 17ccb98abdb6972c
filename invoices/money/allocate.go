package money

import (
	"cmp"
	"errors"
	"math"
	"math/bits"
	"slices"
)

// Allocate splits m by weights, none of which may be negative, so that nothing
// is lost: the parts add up to m exactly. Each is the exact share rounded down
// or up to the minor unit, and those with the largest remainders are rounded up,
// of equal ones the first (Hare and Niemeyer). So a part is never larger than
// its weight, unless m is larger than all of them together. If all weights are
// zero, they count the same.
func (m Amount) Allocate(weights []int64) ([]Amount, error) {
	sum, err := sumOf(weights)
	if err != nil || m.minor == math.MinInt64 {
		return nil, cmp.Or(err, ErrOverflow)
	}
	if sum == 0 {
		weights = slices.Repeat([]int64{1}, len(weights))
		sum = uint64(len(weights))
	}
	magnitude, sign := uint64(m.minor), int64(1)
	if m.minor < 0 {
		magnitude, sign = uint64(-m.minor), -1
	}
	shares := sharesOf(magnitude, weights, sum)
	parts := make([]Amount, len(shares))
	for i, s := range shares {
		parts[i] = Amount{sign * int64(s), m.currency}
	}
	return parts, nil
}

var (
	errNoWeights      = errors.New("there is nothing to allocate to")
	errNegativeWeight = errors.New("a weight is negative")
)

func sumOf(weights []int64) (sum uint64, err error) {
	if len(weights) == 0 {
		return 0, errNoWeights
	}
	for _, w := range weights {
		if w < 0 {
			return 0, errNegativeWeight
		}
		var carry uint64
		if sum, carry = bits.Add64(sum, uint64(w), 0); carry != 0 {
			return 0, ErrOverflow
		}
	}
	return sum, nil
}

// sharesOf rounds all shares down, and gives what is left, which is less than
// one for each, to the largest remainders.
func sharesOf(m uint64, weights []int64, sum uint64) []uint64 {
	shares, remainders := make([]uint64, len(weights)), make([]uint64, len(weights))
	order, left := make([]int, len(weights)), m
	for i, w := range weights {
		hi, lo := bits.Mul64(m, uint64(w))
		shares[i], remainders[i] = bits.Div64(hi, lo, sum) // cannot overflow: no weight is larger than their sum
		left -= shares[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(remainders[j], remainders[i]) })
	for _, i := range order[:left] {
		shares[i]++
	}
	return shares
}

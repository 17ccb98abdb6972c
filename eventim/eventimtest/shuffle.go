package eventimtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

// mostOrders is how many orders are tried.
const mostOrders = 1000

// Shuffled tells an instance the messages of several sources in the orders in which
// they can come: those of one source in theirs, one source against another in any (a
// thousand of them, when there are more). It wants the instance to want the same, in
// whatever order, and to be the same in the end. Between sources Kafka has no order: a
// reactor that does not stand this test does something else when one of them is late.
// The first message of the first source begins the instance, and comes first.
func Shuffled[S, M any](t testing.TB, r eventim.Reactor[S, M], sources ...[]M) {
	t.Helper()
	var first, wanted string
	for _, order := range orders(sources) {
		e := React(t, r)
		var told []string
		for _, source := range order {
			m := sources[source][count(told, source)]
			told = append(told, fmt.Sprint(source))
			if !e.ended { // what comes after the end is lost
				e.tell(fmt.Sprintf("%d/%d", source, len(told)), m)
			}
		}
		got := e.summary()
		if first == "" {
			first, wanted = strings.Join(told, " "), got
		}
		if got != wanted {
			t.Errorf("the sources come in the order %s: the instance\n  %s\nin the order %s it\n  %s", first, wanted, strings.Join(told, " "), got)
			return
		}
	}
}

func count(told []string, source int) (n int) {
	for _, t := range told {
		if t == fmt.Sprint(source) {
			n++
		}
	}
	return n
}

// summary is what an instance has wanted so far, in no order, and what it is.
func (e *Reaction[S, M]) summary() string {
	var wants []string
	for _, o := range e.outputs {
		wants = append(wants, show(o))
	}
	slices.Sort(wants)
	return fmt.Sprintf("wants %s and is %s, ended %v, with the timers %v", strings.Join(wants, ", "), e.state.Data, e.ended, e.timers)
}

// orders are those in which the sources can speak: by their number, once for each
// message. All of them, or as many as are tried, by a chance that is always the same.
func orders[M any](sources [][]M) (all [][]int) {
	left := make([]int, len(sources))
	total := 0
	for i, s := range sources {
		left[i] = len(s)
		total += len(s)
	}
	if total == 0 || left[0] == 0 {
		return nil
	}
	left[0]--
	each(left, []int{0}, func(order []int) bool {
		all = append(all, slices.Clone(order))
		return len(all) <= mostOrders
	})
	if len(all) <= mostOrders {
		return all
	}
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // orders, not secrets
	for i := range all {
		all[i] = drawn(r, left)
	}
	return all
}

// each calls fn with each order of what is left behind so far, until fn is false.
func each(left, so []int, fn func([]int) bool) bool {
	done := true
	for i := range left {
		if left[i] == 0 {
			continue
		}
		done = false
		left[i]--
		more := each(left, append(so, i), fn)
		left[i]++
		if !more {
			return false
		}
	}
	return !done || fn(so)
}

// drawn is one order by chance, behind the first message.
func drawn(r *rand.Rand, left []int) []int {
	order := []int{}
	for source, n := range left {
		order = append(order, slices.Repeat([]int{source}, n)...)
	}
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return append([]int{0}, order...)
}

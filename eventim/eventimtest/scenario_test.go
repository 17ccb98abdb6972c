package eventimtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

type (
	account struct{ Balance int }
	moved   struct{ By int }
)

type scenario = Scenario[account, int, moved]

var bank = eventim.Aggregate[account, int, moved]{Decider: eventim.Decider[account, int, moved]{
	Decide: func(a account, cmd eventim.Command[int]) ([]moved, error) {
		switch {
		case cmd.Payload == 0:
			return nil, nil
		case cmd.Actor == "thief":
			return nil, errors.New("no")
		case cmd.Time.Weekday() == time.Sunday:
			return nil, eventim.Reject("closed", "the bank is closed")
		case a.Balance+cmd.Payload < 0:
			return nil, eventim.Reject("overdrawn", "only %d left", a.Balance)
		}
		return []moved{{cmd.Payload}}, nil
	},
	Evolve: func(a account, e moved) account { return account{a.Balance + e.By} },
}}

var (
	sunday = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	monday = sunday.AddDate(0, 0, 1)
)

func TestScenarioRun(t *testing.T) {
	t.Parallel()
	for _, s := range []scenario{
		{Name: "accepted", When: 5, Time: monday, Then: []moved{{5}}},
		{Name: "given", Given: []moved{{5}, {2}}, When: -7, Time: monday, Then: []moved{{-7}}},
		{Name: "no event", When: 0},
		{Name: "rejected", Given: []moved{{5}}, When: -7, Time: monday, Rejected: "overdrawn"},
		{Name: "time", When: 5, Time: sunday, Rejected: "closed"},
		{Name: "metadata", When: 5, Metadata: eventim.Metadata{Actor: "thief"}, Rejected: eventim.CodeRejected},
		{Name: "version", Given: []moved{{5}, {2}}, When: 1, Time: monday, Expected: new(int64(2)), Then: []moved{{1}}},
		{Name: "conflict", Given: []moved{{5}, {2}}, When: 1, Expected: new(int64(1)), Rejected: eventim.CodeVersionConflict},
	} {
		s.Run(t, bank)
	}
}

func TestScenarioFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scenario
		want string
	}{
		"other event":    {scenario{When: 5, Time: monday, Then: []moved{{6}}}, `want eventimtest.moved {"By":6}`},
		"missing event":  {scenario{When: 0, Then: []moved{{6}}}, "got  none"},
		"surplus event":  {scenario{When: 5, Time: monday}, "want none"},
		"rejected":       {scenario{When: -1, Time: monday, Then: []moved{{-1}}}, "rejected with overdrawn (only 0 left)"},
		"accepted":       {scenario{When: 1, Time: monday, Rejected: "overdrawn"}, "is accepted, want the rejection overdrawn"},
		"other code":     {scenario{When: -1, Time: monday, Rejected: "closed"}, "want closed"},
		"contradictory":  {scenario{When: 1, Then: []moved{{1}}, Rejected: "closed"}, "expects both"},
		"other version":  {scenario{When: 1, Expected: new(int64(7)), Then: []moved{{1}}}, "version_conflict"},
		"wrong position": {scenario{Given: []moved{{5}}, When: -6, Time: monday, Then: []moved{{-6}}}, "only 5 left"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.check(bank)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("check() = %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestScenarioFindsImpureDecider(t *testing.T) {
	t.Parallel()
	calls := 0
	impure := bank
	impure.Decide = func(account, eventim.Command[int]) ([]moved, error) {
		calls++
		return []moved{{calls}}, nil
	}
	err := scenario{When: 1, Then: []moved{{1}}}.check(impure)
	if err == nil || !strings.Contains(err.Error(), "not pure") {
		t.Errorf("check() = %v, want that the decider is not pure", err)
	}
}

type opaque struct{ hidden int }

func TestDiffShowsWhatJSONLeavesOut(t *testing.T) {
	t.Parallel()
	got := diff([]opaque{{1}}, []opaque{{2}})
	if !strings.Contains(got, "hidden:1") || !strings.Contains(got, "hidden:2") {
		t.Errorf("diff = %s, want both values of the unexported field", got)
	}
}

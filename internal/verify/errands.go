package verify

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/eventim-go/eventim/internal/checker"
)

// The errands of a load (package errands), for the judge: written from what they are to
// do, and not by their code.

type errandSaid struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

type errandCourse struct {
	N     int      `json:"n"`
	Heard []string `json:"heard"`
}

type errandNotes struct {
	N     int      `json:"n"`
	Notes []string `json:"notes"`
}

type deskSaid struct {
	Errand string `json:"errand"`
	N      int    `json:"n"`
}

type deskAsked struct {
	Asked int `json:"asked"`
}

// Errands are the process of the errands of a load, and the aggregates that it stands
// between.
func Errands(prefix string) Process {
	errand, desk := prefix+"-errand", prefix+"-desk"
	return Process{
		Reactor: checker.Reactor{
			Name: prefix + "-errands", Sends: []string{errand, desk},
			Sources: []checker.ReactorSource{
				{Events: errand + "-events", Begins: true, Tells: errandTells}, {Events: desk + "-events", Tells: deskTells},
			},
			React: func(state any, m checker.Message) (any, []checker.Want, error) {
				return errandHears(state, m, errand+"-commands", desk+"-commands")
			},
			Answers: letterComesTo,
		},
		Aggregates: []checker.Options{{Aggregate: errand, Fold: foldErrand}, {Aggregate: desk, Fold: foldDesk}},
	}
}

func foldErrand(state any, e checker.Event) (any, error) {
	var said errandSaid
	err := json.Unmarshal(e.Data, &said)
	s, _ := state.(errandNotes)
	return errandNotes{said.N, append(slices.Clone(s.Notes), said.What)}, err
}

func foldDesk(state any, _ checker.Event) (any, error) {
	s, _ := state.(deskAsked)
	return deskAsked{s.Asked + 1}, nil
}

func errandTells(errand string, e checker.Event) (instance string, m checker.Said, ok bool) {
	var said errandSaid
	if json.Unmarshal(e.Data, &said) != nil || said.What != "start" {
		return "", m, false
	}
	return errand, told("started", said.N), true
}

func deskTells(_ string, e checker.Event) (instance string, m checker.Said, ok bool) {
	var said deskSaid
	if json.Unmarshal(e.Data, &said) != nil {
		return "", m, false
	}
	return said.Errand, told("answered", said.N), true
}

func told(what string, n int) checker.Said { return checker.Say("Told", errandSaid{what, n}) }

// letterComesTo is what the post does with a letter.
func letterComesTo(_ string, q checker.Request) checker.Said {
	var letter struct{ N int }
	_ = json.Unmarshal(q.Data, &letter) // it was compared
	if letter.N%7 == 0 {
		return told("returned", letter.N)
	}
	return told("delivered", letter.N)
}

func errandHears(state any, m checker.Message, errands, desks string) (any, []checker.Want, error) {
	s, _ := state.(errandCourse)
	var said errandSaid
	if err := json.Unmarshal(m.Data, &said); err != nil {
		return nil, nil, err
	}
	before := s.Heard
	s = errandCourse{said.N, append(slices.Clone(before), said.What)}
	note := checker.Want{Send: &checker.Send{Commands: errands, To: m.Instance, Said: checker.Say("Command", said)}}
	switch said.What {
	case "started":
		return s, errandBegins(m, said.N, desks), nil
	case "answered":
		if slices.Contains(before, "answered") {
			return s, errandEnds(s), nil
		}
		return s, append([]checker.Want{{Cancel: "late"}, note}, errandEnds(s)...), nil
	case "late", "delivered", "returned":
		return s, append([]checker.Want{note}, errandEnds(s)...), nil
	case "reminder":
		return s, errandEnds(s), nil
	}
	return nil, nil, fmt.Errorf("an errand is not told %q", said.What)
}

func errandBegins(m checker.Message, n int, desks string) []checker.Want {
	timer := func(name string, after time.Duration) checker.Want {
		return checker.Want{At: &checker.Timer{Name: name, Due: m.Time.Add(after).Truncate(time.Millisecond), Said: told(name, n)}}
	}
	ask := checker.Say("Ask", deskSaid{m.Instance, n})
	return []checker.Want{
		{Send: &checker.Send{Commands: desks, To: fmt.Sprint("desk-", n%4), Said: ask}},
		timer("reminder", 3*time.Second), timer("late", 4*time.Second),
		{Call: &checker.Request{Effect: "letter", Said: checker.Say("letter", map[string]int{"n": n})}},
	}
}

// errandEnds is the end of one that was reminded and has heard of desk and letter.
func errandEnds(s errandCourse) []checker.Want {
	heard := map[string]bool{}
	for _, what := range s.Heard {
		heard[what] = true
	}
	if heard["reminder"] && (heard["answered"] || heard["late"]) && (heard["delivered"] || heard["returned"]) {
		return []checker.Want{{End: true}}
	}
	return nil
}

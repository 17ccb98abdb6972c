package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

func TestSequenceIsTheInverseOfCommandID(t *testing.T) {
	t.Parallel()
	w := newWorkload("t", 1)
	for _, seq := range []int{0, 1, 255, maxCommands - 1} {
		id := w.commandID(seq)
		if got, ok := w.sequence([]byte(id)); !ok || got != seq {
			t.Errorf("sequence(%s) = %d, %t, want %d", id, got, ok, seq)
		}
		if len(id) != 36 {
			t.Errorf("the id %s is not as long as a UUID", id)
		}
	}
	if _, ok := w.sequence([]byte("ffffffff-0000-7000-8000-00000000000g")); ok {
		t.Error("an id of nobody has a sequence number")
	}
}

// The load is made by hand, in the documented form of the records. The handler
// must be able to read it.
func TestCommandsAreThoseOfTheDomain(t *testing.T) {
	t.Parallel()
	agg := aggregate("bench", 1)
	w := newWorkload(agg.Topics().Commands, 3)
	var current [3]int64
	for seq := range 30 {
		r := w.any(seq, time.Now())
		typ, value := header(r, "ce_type"), r.Value
		if _, err := agg.Commands.Decode(eventim.Payload{Type: string(typ), SchemaVersion: 1, Data: value}); err != nil {
			t.Fatal(err)
		}
		if created := string(typ) == "CreateInvoice"; created != (current[r.Key[len(r.Key)-1]-'0'] == 0) {
			t.Errorf("command %d of %s is a %s", current[0], r.Key, typ)
		}
		current[r.Key[len(r.Key)-1]-'0']++
	}
	if _, err := expected(30); err != nil {
		t.Error(err)
	}
}

func TestCheckTellsRightFromWrong(t *testing.T) {
	t.Parallel()
	result := func(version, commands int32) []byte {
		state, err := expected(commands)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(map[string]any{"version": version, "snapshot": map[string]any{"data": state}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if err := check(result(5, 5), 5); err != nil {
		t.Errorf("the right state is wrong: %v", err)
	}
	for name, wrong := range map[string][]byte{
		"a version behind":    result(4, 4),
		"a state behind":      result(5, 4),
		"a command too much":  result(6, 6),
		"a broken document":   []byte("{"),
		"a result without it": []byte(`{"version":5}`),
		"a wrong total":       []byte(strings.Replace(string(result(5, 5)), `"amount":"979.30"`, `"amount":"979.31"`, 1)),
	} {
		if check(wrong, 5) == nil {
			t.Errorf("%s goes unnoticed: %s", name, wrong)
		}
	}
}

package checker

import (
	"crypto/sha1" //nolint:gosec // what UUIDv5 is made of
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// derivedNamespace is that of the ids of what reactors want, from docs/reactors.md.
const derivedNamespace = "5f0f3a2e6c1d5b7e9d5c0b6a3e1f7c21"

// derivedID is the UUIDv5 of what stands at a place among the outputs of a reaction.
func derivedID(reactor, instance, message string, place int) string {
	namespace, _ := hex.DecodeString(derivedNamespace)
	name := strings.Join([]string{reactor, instance, message, strconv.Itoa(place)}, "\x00")
	sum := sha1.Sum(append(namespace, name...)) //nolint:gosec // as above
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// origin is what an event is of, and its version, by the id of the message that tells it.
func origin(message string) (aggregate string, version int64) {
	slash := strings.LastIndex(message, "/")
	version, _ = strconv.ParseInt(message[slash+1:], 10, 64)
	return message[:max(slash, 0)], version
}

// sending is a command that a reaction to a message wants to be sent.
type sending struct {
	Send
	because Message
}

// outputs judges that each command that a reaction wants is there once, has one effect,
// and that there are no others.
func (j *reactorJudge) outputs() {
	found := map[string][]*Record{} // by id
	effects := map[string]int{}     // answers that are the first, by aggregate and id
	for _, log := range j.around {
		each(&log.Commands, func(_ int, r *Record) {
			if r.header("ce_actor") == j.r.Name {
				found[r.header("ce_id")] = append(found[r.header("ce_id")], r)
				j.report.Sent++
			}
		})
		each(&log.Results, func(_ int, r *Record) {
			if r.header("ce_replay") == "" && r.header("ce_fornow") == "" {
				effects[r.Topic+" "+string(r.Key)+" "+r.header("ce_commandid")]++
			}
		})
	}
	for _, id := range slices.Sorted(maps.Keys(j.sends)) {
		j.output(id, j.sends[id], found[id], effects)
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if _, wanted := j.sends[id]; !wanted && !j.broken {
			j.violate(OutputWanted, found[id][0].where(), "%s %s is sent, and no reaction wants it", found[id][0].header("ce_type"), id)
		}
	}
}

func (j *reactorJudge) output(id string, s sending, found []*Record, effects map[string]int) {
	where := s.because.Instance + " after " + s.because.ID
	switch {
	case len(found) == 0:
		j.violate(OutputKept, where, "%s %s for %s is not in %s", s.Type, id, s.To, s.Commands)
		return
	case len(found) > 1:
		j.violate(OutputOnce, where, "%s %s for %s is in %s %d times", s.Type, id, s.To, s.Commands, len(found))
	}
	r := found[0]
	if r.Topic != s.Commands || string(r.Key) != s.To || !s.same(r.header("ce_type"), r.Value) {
		j.violate(OutputKept, where, "%s %s for %s of %s is sent as %s %s for %s of %s", s.Type, short(s.Data), s.To, s.Commands, r.header("ce_type"), short(r.Value), r.Key, r.Topic)
	}
	results := strings.TrimSuffix(s.Commands, "-commands") + "-results"
	if n := effects[results+" "+s.To+" "+id]; n != 1 {
		j.violate(OutputEffect, where, "%s %s for %s is answered %d times as if it were new", s.Type, id, s.To, n)
	}
}

// parked judges that what waits for those that are parked is in its topic, and nothing
// else.
func (j *reactorJudge) parked() {
	kept := map[string]string{} // the ids of the messages, by key
	each(&j.log.Parked, func(_ int, r *Record) {
		var waits struct {
			ID string `json:"id"`
		}
		if delete(kept, string(r.Key)); r.Value == nil {
			return
		}
		if err := json.Unmarshal(r.Value, &waits); err != nil {
			j.violate(Readable, r.where(), "what waits: %v", err)
		}
		kept[string(r.Key)] = waits.ID
	})
	for id, l := range j.lives {
		for n, m := range l.waits {
			key := id + " " + strconv.FormatInt(l.first+int64(n), 10)
			if !l.broken && kept[key] != m.ID {
				j.violate(ParkedKept, id, "%s waits at %q, where %q is", m.ID, key, kept[key])
			}
			delete(kept, key)
			j.report.Waiting++
		}
	}
	for key, id := range kept {
		if instance, _, _ := strings.Cut(key, " "); !j.life(instance).broken {
			j.violate(ParkedKept, instance, "%s waits at %q, and is not to wait", id, key)
		}
	}
}

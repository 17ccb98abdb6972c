package verify

import (
	"github.com/eventim-go/eventim/internal/journal"
)

// journal judges that all that a client was told is so, and that it was told
// each of its results.
func (j *judge) journal(client *journal.Journal) {
	delivered := map[string]bool{}
	var acknowledged []journal.Entry
	for _, e := range client.Entries() {
		j.report.Entries++
		switch e.Kind {
		case journal.Acknowledged:
			acknowledged = append(acknowledged, e)
			j.acknowledgement(client, e)
		case journal.Delivered:
			j.report.Deliveries++
			delivered[e.Position] = true
			j.delivery(client, e)
		case journal.Answered:
			j.report.Answers++
			j.told(client, e)
		case journal.Read:
			j.report.Reads++
			if e.Version < e.Wanted {
				j.report.violate(OwnWritesSeen, "client "+client.Origin, "%s was read at version %d (%s) after it was at %d", e.Invoice, e.Version, e.Code, e.Wanted)
			}
		case journal.Connected, journal.Resumed, journal.Refused:
			j.connection(e)
		case journal.Sent:
		}
	}
	for _, e := range acknowledged {
		if !delivered[e.Position] {
			j.report.violate(Delivered, "client "+client.Origin, "the result of %s at %s was not delivered", e.Command, e.Position)
		}
	}
}

func (j *judge) connection(e journal.Entry) {
	j.report.Connections++
	if e.Kind == journal.Resumed {
		j.report.Resumed++
	}
	if e.Kind == journal.Refused {
		j.report.Unresumed++
	}
}

// acknowledgement judges that the command is where the client was told.
func (j *judge) acknowledgement(client *journal.Journal, e journal.Entry) {
	r := j.commands[e.Position]
	if r == nil || header(r, "ce_id") != e.Command || string(r.Key) != e.Invoice || header(r, "ce_type") != e.Type {
		j.report.violate(AckIsTrue, "client "+client.Origin, "%s %s for %s was acknowledged at %s, where it is not", e.Type, e.Command, e.Invoice, e.Position)
	}
}

// delivery judges a result that the websocket told.
func (j *judge) delivery(client *journal.Journal, e journal.Entry) {
	r := j.results[e.Position]
	if r == nil {
		j.report.violate(AckIsTrue, "client "+client.Origin, "the result of %s at %s was delivered, but there is none", e.Command, e.Position)
		return
	}
	if origin := header(r, "ce_originid"); origin != client.Origin {
		j.report.violate(Delivered, "client "+client.Origin, "the result of %s was delivered, which is for %q", e.Command, origin)
	}
	if o := outcomeOf(r); o.Outcome != e.Outcome || o.Version != e.Version || o.Code != e.Code || header(r, "ce_commandid") != e.Command {
		j.report.violate(AckIsTrue, "client "+client.Origin, "%s was delivered as %s at %d %q, the result is %s", e.Command, e.Outcome, e.Version, e.Code, r.Value)
	}
}

// told judges an answer over HTTP. A rejection does not tell its position.
func (j *judge) told(client *journal.Journal, e journal.Entry) {
	command := commandKey{e.Invoice, e.Command}
	r := j.firsts[command]
	if e.Position != "" {
		r = j.results[e.Position]
	}
	if e.Code == "command_id_reused" {
		r = j.reused[command]
	}
	if r == nil {
		j.report.violate(AckIsTrue, "client "+client.Origin, "%s was answered with %s %q, but there is no result", e.Command, e.Outcome, e.Code)
		return
	}
	o := outcomeOf(r)
	agrees := o.Code == e.Code && (o.Outcome == "accepted") == (e.Outcome == "accepted")
	if e.Outcome == "accepted" || e.Code == "version_conflict" {
		agrees = agrees && (e.Version == 0 || o.Version == e.Version)
	}
	if !agrees {
		j.report.violate(AckIsTrue, "client "+client.Origin, "%s was answered with %s at %d %q, the result is %s", e.Command, e.Outcome, e.Version, e.Code, r.Value)
	}
}

package verify

import (
	"encoding/json"

	"github.com/eventim-go/eventim/internal/checker"
)

// invoices judges that each row of the list is the fold of its events, and
// that each invoice has one.
func (j *judge) invoices() {
	j.report.InvoiceRows = len(j.Rows.Invoices)
	seen := map[string]bool{}
	for _, row := range j.Rows.Invoices {
		seen[row.ID] = true
		events := j.histories[row.ID]
		switch where := "invoice_list: " + row.ID; {
		case len(events) == 0:
			j.report.violate(RowIsFold, where, "the row has no events")
		case row.Version != int64(len(events)):
			j.report.violate(RowIsFold, where, "the row is at version %d, the history at %d", row.Version, len(events))
		default:
			j.invoice(where, row, events)
		}
	}
	for id, events := range j.histories {
		if !seen[id] {
			j.report.violate(RowIsFold, "invoice_list: "+id, "there is no row, after %d events", len(events))
		}
	}
}

func (j *judge) invoice(where string, row InvoiceRow, events []*checker.Record) {
	want, err := foldAll(events)
	if err != nil {
		return // package checker has said so
	}
	data, err := json.Marshal(want)
	if err != nil {
		j.report.violate(RowIsFold, where, "the fold: %v", err)
		return
	}
	if !same(row.Invoice, data) {
		j.report.violate(RowIsFold, where, "the invoice is %s, the fold is %s", row.Invoice, data)
	}
	columns := InvoiceRow{
		ID: row.ID, Version: row.Version, Status: want.Status, CustomerName: want.Customer.Name, Currency: want.Currency,
		Total: want.Total.minor(), Paid: want.Paid.minor(), Balance: want.Balance.minor(), WrittenOff: want.lost(), IssueDate: want.IssueDate, DueDate: want.DueDate,
		Series: want.Series, Number: want.Number,
	}
	row.Invoice = nil
	got, _ := json.Marshal(row)
	expected, _ := json.Marshal(columns)
	if string(got) != string(expected) {
		j.report.violate(RowIsFold, where, "the columns are %s, want %s", got, expected)
	}
}

func foldAll(events []*checker.Record) (invoice, error) {
	var state any
	for _, r := range events {
		next, err := Fold(state, checker.Event{Type: header(r, "ce_type"), Data: r.Value})
		if err != nil {
			return invoice{}, err
		}
		state = next
	}
	return state.(invoice), nil //nolint:forcetypeassert // Fold returns nothing else
}

// history judges that the view of the history is the events, all of them and
// nothing else.
func (j *judge) history() {
	j.report.HistoryRows = len(j.Rows.History)
	type key struct {
		id      string
		version int64
	}
	rows := map[key]HistoryRow{}
	for _, row := range j.Rows.History {
		rows[key{row.Invoice, row.Version}] = row
	}
	for id, events := range j.histories {
		for _, r := range events {
			k := key{id, number(r, "ce_version")}
			row, ok := rows[k]
			if !ok {
				j.report.violate(HistoryIsEvents, "invoice_history: "+id, "version %d is missing", k.version)
			} else if row.Type != header(r, "ce_type") || row.CommandID != header(r, "ce_commandid") || !same(row.Data, r.Value) {
				j.report.violate(HistoryIsEvents, "invoice_history: "+id, "version %d is %s %s, want %s %s", k.version, row.Type, row.Data, header(r, "ce_type"), r.Value)
			}
			delete(rows, k)
		}
	}
	for k := range rows {
		j.report.violate(HistoryIsEvents, "invoice_history: "+k.id, "version %d never happened", k.version)
	}
}

// answers judges that each command has its first answer in the view.
func (j *judge) answers() {
	j.report.AnswerRows = len(j.Rows.Answers)
	rows := map[commandKey]AnswerRow{}
	for _, row := range j.Rows.Answers {
		rows[commandKey{row.Invoice, row.CommandID}] = row
	}
	for command, r := range j.firsts {
		row, ok := rows[command]
		delete(rows, command)
		if !ok {
			j.report.violate(AnswerKept, "command_result: "+command.String(), "there is no row")
			continue
		}
		j.answer(row, r)
	}
	expired := func() bool {
		for _, p := range j.Log.Results.Partitions {
			if p.Start > 0 {
				return true
			}
		}
		return false
	}
	for command := range rows {
		if !expired() {
			j.report.violate(AnswerKept, "command_result: "+command.String(), "the command has no result")
		}
	}
}

func (j *judge) answer(row AnswerRow, r *checker.Record) {
	where, o := "command_result: "+commandKey{row.Invoice, row.CommandID}.String(), outcomeOf(r)
	if row.Outcome != o.Outcome || row.Version != o.Version || row.Code != o.Code || row.Invoice != string(r.Key) || position(row.Partition, row.Offset) != cause(r) {
		j.report.violate(AnswerKept, where, "the row is %s at %d, %q, the result is %s at %d, %q", row.Outcome, row.Version, row.Code, o.Outcome, o.Version, o.Code)
		return
	}
	var value struct {
		Events   []outcomeEvent `json:"events"`
		Snapshot *outcomeEvent  `json:"snapshot"`
	}
	if err := json.Unmarshal(row.Value, &value); err != nil {
		j.report.violate(AnswerKept, where, "the value: %v", err)
		return
	}
	agrees := len(value.Events) == len(o.Events) && (value.Snapshot == nil) == (o.Snapshot == nil)
	for i := range min(len(value.Events), len(o.Events)) {
		is, want := value.Events[i], o.Events[i]
		agrees = agrees && is.Type == want.Type && is.Version == want.Version && same(is.Data, want.Data)
	}
	if agrees && o.Snapshot != nil {
		agrees = value.Snapshot.Version == o.Snapshot.Version && same(value.Snapshot.Data, o.Snapshot.Data)
	}
	if !agrees {
		j.report.violate(AnswerKept, where, "the value is %s, the result is %s", row.Value, r.Value)
	}
}

// positions judges that each view has been through its topic, and not beyond.
func (j *judge) positions() {
	partitions := 0
	for _, p := range j.Rows.Positions {
		partition, needed := partitionOf(j.logs(), p), neededBy(j.logs(), p)
		if partition == nil {
			continue
		}
		partitions++
		if p.Next < needed || p.Next > partition.End {
			j.report.violate(PositionExact, p.View, "it is at %d of %s/%d, which has records up to %d", p.Next, p.Topic, p.Partition, needed)
		}
	}
	want := 3 * len(j.Log.Events.Partitions)
	if j.Series != nil {
		want += len(j.Series.Events.Partitions)
	}
	if partitions != want {
		j.report.violate(PositionExact, "projector.positions", "there are %d positions of live views, want %d", partitions, want)
	}
}

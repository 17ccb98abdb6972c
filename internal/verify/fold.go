package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/eventim-go/eventim/internal/checker"
)

// The fold of an invoice, from the documentation of its wire form. It shares
// nothing with package invoices: amounts are added up here, and those that the
// events name are compared with the sums.

type money struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

type line struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Quantity    string `json:"quantity"`
	UnitPrice   string `json:"unitPrice"`
	Net         money  `json:"net"`

	Discount *adjustment `json:"discount,omitempty"`
	Charge   *adjustment `json:"charge,omitempty"`
	Tax      *tax        `json:"tax,omitempty"`
}

type payment struct {
	ID        string `json:"id"`
	Amount    money  `json:"amount"`
	Date      string `json:"date"`
	Reference string `json:"reference"`
	Method    string `json:"method,omitempty"`
	Reversed  *money `json:"reversed,omitempty"`

	TransactionID string `json:"transactionId,omitempty"`
}

type customer struct {
	Name    string `json:"name"`
	Email   string `json:"email"`
	Address string `json:"address"`
}

type invoice struct {
	Customer  customer  `json:"customer"`
	IssueDate string    `json:"issueDate"`
	DueDate   string    `json:"dueDate"`
	Currency  string    `json:"currency"`
	Status    string    `json:"status"`
	Lines     []line    `json:"lines"`
	LastLine  int       `json:"lastLine"`
	Total     money     `json:"total"`
	Paid      money     `json:"paid"`
	Balance   money     `json:"balance"`
	Payments  []payment `json:"payments"`

	WrittenOff *money `json:"writtenOff,omitempty"`
	Reason     string `json:"reason,omitempty"`

	Pricing *pricing `json:"pricing,omitempty"`
	Totals  *totals  `json:"totals,omitempty"`

	Series string `json:"series,omitempty"`
	Number string `json:"number,omitempty"`
}

// change is every field that an event can have.
type change struct {
	Customer  customer `json:"customer"`
	IssueDate string   `json:"issueDate"`
	DueDate   string   `json:"dueDate"`
	Currency  string   `json:"currency"`
	Lines     []line   `json:"lines"`
	Line      line     `json:"line"`
	LineID    string   `json:"lineId"`
	LineIDs   []string `json:"lineIds"`
	PaymentID string   `json:"paymentId"`
	Payment   payment  `json:"payment"`
	Total     *money   `json:"total"`
	Paid      *money   `json:"paid"`
	Balance   *money   `json:"balance"`
	Amount    *money   `json:"amount"`
	Reason    string   `json:"reason"`

	WrittenOff *money `json:"writtenOff"`

	Pricing *pricing `json:"pricing"`
	Totals  *totals  `json:"totals"`

	Series string `json:"series"`
	Number string `json:"number"`
}

// Fold is the fold of the invoice.
func Fold(state any, e checker.Event) (any, error) {
	var c change
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return nil, err
	}
	v, exists := state.(invoice)
	if exists == (e.Type == "InvoiceCreated") {
		return nil, fmt.Errorf("%s, but the invoice exists: %t", e.Type, exists)
	}
	if err := v.apply(e.Type, c); err != nil {
		return nil, err
	}
	return v, v.sumUp(e.Type, c)
}

// reorder puts the lines into the order of ids, which must name each once.
func (v *invoice) reorder(ids []string) error {
	lines := map[string]line{}
	for _, l := range v.Lines {
		lines[l.ID] = l
	}
	v.Lines = v.Lines[:0]
	for _, id := range ids {
		l, there := lines[id]
		if !there {
			return fmt.Errorf("the order names the line %s, which is not there, or twice", id)
		}
		delete(lines, id)
		v.Lines = append(v.Lines, l)
	}
	if len(lines) > 0 {
		return fmt.Errorf("the order leaves out %d lines", len(lines))
	}
	return nil
}

func (v *invoice) apply(name string, c change) error {
	v.Lines, v.Payments = slices.Clone(v.Lines), slices.Clone(v.Payments)
	at := slices.IndexFunc(v.Lines, func(l line) bool { return l.ID == c.Line.ID || l.ID == c.LineID })
	switch name {
	case "InvoiceCreated":
		*v = invoice{Currency: c.Currency, Status: "draft", Lines: append([]line{}, c.Lines...), LastLine: len(c.Lines), Payments: []payment{}}
		v.Customer, v.IssueDate, v.DueDate, v.Pricing = c.Customer, c.IssueDate, c.DueDate, c.Pricing.some()
	case "PricingChanged":
		v.Pricing = c.Pricing.some()
	case "DetailsChanged":
		v.Customer, v.IssueDate, v.DueDate = c.Customer, c.IssueDate, c.DueDate
	case "LineItemAdded":
		v.Lines, v.LastLine = append(v.Lines, c.Line), v.LastLine+1
		if c.Line.ID != strconv.Itoa(v.LastLine) {
			return fmt.Errorf("the line has the id %s after %d lines", c.Line.ID, v.LastLine-1)
		}
	case "LineItemChanged", "LineItemRemoved":
		if at < 0 {
			return fmt.Errorf("%s of a line that is not there", name)
		}
		v.Lines = append(v.Lines[:at:at], v.Lines[at+1:]...)
		if name == "LineItemChanged" {
			v.Lines = slices.Insert(v.Lines, at, c.Line)
		}
	case "LinesReordered":
		return v.reorder(c.LineIDs)
	case "InvoiceSent":
		v.Status, v.Series = "sent", c.Series
	case "InvoiceNumbered":
		if v.Series == "" || c.Series != v.Series || v.Number != "" || c.Number == "" {
			return fmt.Errorf("the number %q of %q, but it is to have one of %q, and has %q", c.Number, c.Series, v.Series, v.Number)
		}
		v.Number = c.Number
	case "PaymentReceived":
		if c.Payment.known(v.Payments) {
			return fmt.Errorf("the transaction %s took effect twice", c.Payment.TransactionID)
		}
		v.Payments = append(v.Payments, c.Payment)
		return v.owe(c, "partially_paid")
	case "PaymentReversed":
		return v.reverse(c)
	case "InvoicePaid":
		v.Status, v.WrittenOff, v.Reason = "paid", nil, ""
	case "InvoiceVoided":
		v.Status, v.Reason = "void", c.Reason
	case "InvoiceWrittenOff":
		v.Status, v.Reason = "written_off", c.Reason
	case "InvoiceDeleted":
		v.Status = "deleted"
	default:
		return fmt.Errorf("%s is not an event of an invoice", name)
	}
	return nil
}

// known tells whether the transaction is among the payments.
func (p payment) known(payments []payment) bool {
	return p.TransactionID != "" && slices.ContainsFunc(payments, func(q payment) bool { return q.TransactionID == p.TransactionID })
}

// reverse takes back what an event says of a payment.
func (v *invoice) reverse(c change) error {
	at := slices.IndexFunc(v.Payments, func(p payment) bool { return p.ID == c.PaymentID })
	if at < 0 || c.Amount == nil {
		return fmt.Errorf("a reversal of %v of payment %q", c.Amount, c.PaymentID)
	}
	reversed := new(big.Rat)
	for _, m := range []*money{v.Payments[at].Reversed, c.Amount} {
		if m == nil {
			continue
		}
		if err := add(reversed, *m, v.Currency); err != nil {
			return err
		}
	}
	sum := v.money(reversed)
	v.Payments[at].Reversed = &sum
	status := "partially_paid"
	if c.Paid != nil && c.Paid.minor() == 0 {
		status = "sent"
	}
	return v.owe(c, status)
}

// owe gives the invoice the status, unless it was written off.
func (v *invoice) owe(c change, status string) error {
	if v.Status != "written_off" {
		v.Status = status
	} else if c.WrittenOff == nil {
		return errors.New("the event does not say what it left of the loss")
	}
	return nil
}

// sumUp computes the amounts and compares those that the event names.
func (v *invoice) sumUp(name string, c change) error {
	total, paid := new(big.Rat), new(big.Rat)
	for _, l := range v.Lines {
		if err := add(total, l.Net, v.Currency); err != nil {
			return err
		}
		if net := l.net(v.Currency); net != l.Net.Amount {
			return fmt.Errorf("line %s is %s, but %s × %s is %s", l.ID, l.Net.Amount, l.Quantity, l.UnitPrice, net)
		}
	}
	for _, p := range v.Payments {
		if err := add(paid, p.Amount, v.Currency); err != nil {
			return err
		}
		if p.Reversed == nil {
			continue
		}
		back := new(big.Rat)
		if err := add(back, *p.Reversed, v.Currency); err != nil {
			return err
		}
		paid.Sub(paid, back)
	}
	total, err := v.priced(name, c, total)
	if err != nil {
		return err
	}
	v.Total, v.Paid = v.money(total), v.money(paid)
	if c.PaymentID != "" {
		c.Amount = nil // is of the payment
	}
	left := v.leave(v.money(new(big.Rat).Sub(total, paid)))
	for _, said := range []struct {
		name string
		is   *money
		want money
	}{{"total", c.Total, v.Total}, {"paid", c.Paid, v.Paid}, {"balance", c.Balance, v.Balance}, {"loss", c.WrittenOff, left}, {"loss", c.Amount, left}} {
		if said.is != nil && *said.is != said.want {
			return fmt.Errorf("the %s is %v, but it should be %v", said.name, *said.is, said.want)
		}
	}
	return nil
}

// priced is what the lines come to with tax, discounts and charges. What an
// event says of that must be so, of those that change it.
func (v *invoice) priced(name string, c change, sum *big.Rat) (*big.Rat, error) {
	v.Totals = nil
	if d := v.document(); d.hasTotals() {
		t, payable := d.total()
		v.Totals, sum = &t, new(big.Rat).SetFrac(payable, unitOf(v.Currency))
	}
	switch name {
	case "InvoiceCreated", "LineItemAdded", "LineItemChanged", "LineItemRemoved", "PricingChanged":
		if !reflect.DeepEqual(c.Totals, v.Totals) {
			return nil, fmt.Errorf("the totals are %+v, but they should be %+v", c.Totals, v.Totals)
		}
	}
	return sum, nil
}

// leave says of what is not paid whether it is owed, and returns it.
func (v *invoice) leave(left money) money {
	switch v.Status {
	case "void":
		v.Balance = v.money(new(big.Rat))
	case "written_off":
		v.Balance, v.WrittenOff = v.money(new(big.Rat)), &left
	default:
		v.Balance = left
	}
	return left
}

func add(sum *big.Rat, m money, currency string) error {
	amount, ok := new(big.Rat).SetString(m.Amount)
	if !ok || m.Currency != currency {
		return fmt.Errorf("%v is no amount in %s", m, currency)
	}
	sum.Add(sum, amount)
	return nil
}

// net is quantity times unit price, rounded half away from zero, which is how
// FloatString rounds, with the charge and without the discount.
func (l line) net(currency string) string {
	quantity, ok1 := new(big.Rat).SetString(l.Quantity)
	price, ok2 := new(big.Rat).SetString(l.UnitPrice)
	if !ok1 || !ok2 {
		return "no number"
	}
	base := minorOf(quantity.Mul(quantity, price).FloatString(decimalsOf(currency)), currency)
	net := new(big.Int).Set(base)
	if l.Charge != nil {
		net.Add(net, l.Charge.on(base, currency))
	}
	if l.Discount != nil {
		net.Sub(net, l.Discount.on(base, currency))
	}
	return document{currency: currency}.money(net).Amount
}

func (v *invoice) money(r *big.Rat) money { return money{amountOf(r, v.Currency), v.Currency} }

func amountOf(r *big.Rat, currency string) string { return r.FloatString(decimalsOf(currency)) }

// decimalsOf knows the currencies that are used in loads.
func decimalsOf(currency string) int {
	switch currency {
	case "JPY":
		return 0
	case "KWD":
		return 3
	default:
		return 2
	}
}

// lost is what was written off, in minor units.
func (v *invoice) lost() int64 {
	if v.WrittenOff == nil {
		return 0
	}
	return v.WrittenOff.minor()
}

// minor is an amount in minor units, as the views have it.
func (m money) minor() int64 {
	n, _ := strconv.ParseInt(strings.Replace(m.Amount, ".", "", 1), 10, 64)
	return n
}

package load

import "fmt"

type object = map[string]any

// next returns something that can be asked of an invoice; sometimes of one
// that is not in the state for it.
func (c *Client) next(v *invoice) command {
	n := c.random.IntN(100)
	switch v.state.Status {
	case "":
		return newCommand(v.id, "CreateInvoice", c.creation(v))
	case "draft":
		return c.onDraft(v, n)
	case "written_off":
		return c.onWrittenOff(v, n)
	default:
		return c.onSent(v, n)
	}
}

func (c *Client) onDraft(v *invoice, n int) command {
	switch {
	case n < 25:
		return newCommand(v.id, "AddLineItem", c.line(v, nil))
	case n < 35 && len(v.state.Lines) > 0:
		return newCommand(v.id, "ChangeLineItem", c.line(v, object{"lineId": c.anyLine(v)}))
	case n < 42 && len(v.state.Lines) > 0:
		return newCommand(v.id, "RemoveLineItem", object{"lineId": c.anyLine(v)})
	case n < 47:
		return newCommand(v.id, "ChangeDetails", details(n, v.id))
	case n < 52:
		return c.revision(v, n)
	case n < 55:
		return newCommand(v.id, "DeleteInvoice", object{})
	case n < 60:
		return newCommand(v.id, "ReceivePayment", payment("1", "EUR"))
	default:
		return newCommand(v.id, "SendInvoice", object{})
	}
}

func (c *Client) onSent(v *invoice, n int) command {
	balance := v.state.Balance
	switch {
	case n < 30:
		return newCommand(v.id, "ReceivePayment", payment("1", balance.Currency))
	case n < 35:
		return newCommand(v.id, "ReceivePayment", c.transaction(balance.Currency))
	case n < 40:
		return newCommand(v.id, "ReversePayment", c.reversal(v))
	case n < 45:
		return newCommand(v.id, "ReceivePayment", payment("999999", balance.Currency))
	case n < 50:
		return newCommand(v.id, "AddLineItem", c.line(v, nil))
	case n < 54:
		return newCommand(v.id, "VoidInvoice", object{"reason": "issued twice"})
	case n < 60:
		return newCommand(v.id, "WriteOffInvoice", object{"reason": "insolvent"})
	default:
		return newCommand(v.id, "ReceivePayment", payment(balance.Amount, balance.Currency))
	}
}

// onWrittenOff asks for what is given up, sometimes for all of it.
func (c *Client) onWrittenOff(v *invoice, n int) command {
	lost := v.state.WrittenOff
	switch {
	case n < 30:
		return newCommand(v.id, "ReceivePayment", payment("1", lost.Currency))
	case n < 35:
		return newCommand(v.id, "VoidInvoice", object{"reason": "issued twice"})
	default:
		return newCommand(v.id, "ReceivePayment", payment(lost.Amount, lost.Currency))
	}
}

func (c *Client) anyLine(v *invoice) string {
	return v.state.Lines[c.random.IntN(len(v.state.Lines))].ID
}

func (c *Client) creation(v *invoice) object {
	var lines []object
	for range c.random.IntN(4) {
		lines = append(lines, c.line(v, nil))
	}
	creation := details(c.random.IntN(100), "Straße \"1\"\n10115 Berlin")
	creation["currency"] = []string{"EUR", "USD", "JPY", "KWD"}[c.random.IntN(4)]
	creation["lines"] = lines
	if v.isTaxed() {
		creation["pricing"] = c.pricing()
	}
	return creation
}

// revision carries the whole draft: lines that are there in another order, some
// of them changed, some left out, and a new one.
func (c *Client) revision(v *invoice, n int) command {
	lines := []object{c.line(v, nil)}
	for _, i := range c.random.Perm(len(v.state.Lines)) {
		if c.random.IntN(3) > 0 {
			lines = append(lines, c.line(v, object{"id": v.state.Lines[i].ID}))
		}
	}
	revised := details(n, v.id)
	revised["lines"] = lines
	if v.isTaxed() && c.random.IntN(2) == 0 { // else it stays
		revised["pricing"] = c.pricing()
	}
	cmd := newCommand(v.id, "ReviseDraft", revised)
	cmd.expected = new(v.version)
	return cmd
}

func details(n int, address string) object {
	return object{
		"customer":  object{"name": fmt.Sprint("Customer ", n), "email": "billing@example.com", "address": address},
		"issueDate": "2026-11-21", "dueDate": fmt.Sprintf("2026-12-%02d", n%28+1),
	}
}

// isTaxed is half of the invoices: one is only sent when all its lines are.
func (v *invoice) isTaxed() bool { return v.id[len(v.id)-1]%2 == 0 }

// pricing has what each tax of line needs, and discounts and charges or not.
func (c *Client) pricing() object {
	p := object{"pricesIncludeTax": c.random.IntN(2) == 0, "exemptions": []object{{"category": "E", "reason": "Article 132"}}}
	if c.random.IntN(2) == 0 {
		p["discounts"] = []object{{"percent": "2.5", "reason": "loyalty"}}
	}
	if c.random.IntN(2) == 0 {
		p["charges"] = []object{{"amount": "3", "reason": "freight"}}
	}
	return p
}

// tax puts a tax on a line, and sometimes a discount.
func (c *Client) tax(line object) {
	line["tax"] = []object{{"category": "S", "rate": "19"}, {"category": "S", "rate": "7"}, {"category": "E"}}[c.random.IntN(3)]
	if c.random.IntN(3) == 0 {
		line["discount"] = object{"percent": "10"}
	}
}

func (c *Client) line(v *invoice, line object) object {
	if line == nil {
		line = object{}
	}
	line["description"] = fmt.Sprint("Work ", c.random.IntN(100))
	line["quantity"] = fmt.Sprintf("%d.%d", c.random.IntN(9)+1, c.random.IntN(10))
	line["unitPrice"] = fmt.Sprintf("%d.%02d", c.random.IntN(90)+1, c.random.IntN(100))
	if v.isTaxed() {
		c.tax(line)
	}
	return line
}

// transaction is one of few, so that many come again.
func (c *Client) transaction(currency string) object {
	p := payment("1", currency)
	p["method"], p["transactionId"] = "bank_transfer", fmt.Sprint("tx-", c.random.IntN(3))
	return p
}

// reversal takes back a payment or a part of it, or one that is not there.
func (c *Client) reversal(v *invoice) object {
	r := object{"paymentId": "1", "date": "2026-11-21", "reason": "bounced"}
	if n := len(v.state.Payments); n > 0 {
		r["paymentId"] = v.state.Payments[c.random.IntN(n)].ID
	}
	if c.random.IntN(2) == 0 {
		r["amount"] = object{"amount": "1", "currency": v.state.Balance.Currency}
	}
	return r
}

func payment(amount, currency string) object {
	return object{"amount": object{"amount": amount, "currency": currency}, "date": "2026-11-21", "reference": "RF18"}
}

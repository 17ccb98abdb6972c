package load

import "fmt"

type object = map[string]any

// next returns something that can be asked of an invoice; sometimes of one
// that is not in the state for it.
func (c *Client) next(v *invoice) command {
	n := c.random.IntN(100)
	switch v.state.Status {
	case "":
		return newCommand(v.id, "CreateInvoice", c.creation())
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
		return newCommand(v.id, "AddLineItem", c.line(nil))
	case n < 35 && len(v.state.Lines) > 0:
		return newCommand(v.id, "ChangeLineItem", c.line(object{"lineId": c.anyLine(v)}))
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
		return newCommand(v.id, "AddLineItem", c.line(nil))
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

func (c *Client) creation() object {
	var lines []object
	for range c.random.IntN(4) {
		lines = append(lines, c.line(nil))
	}
	creation := details(c.random.IntN(100), "Straße \"1\"\n10115 Berlin")
	creation["currency"] = []string{"EUR", "USD", "JPY", "KWD"}[c.random.IntN(4)]
	creation["lines"] = lines
	return creation
}

// revision carries the whole draft: lines that are there in another order, some
// of them changed, some left out, and a new one.
func (c *Client) revision(v *invoice, n int) command {
	lines := []object{c.line(nil)}
	for _, i := range c.random.Perm(len(v.state.Lines)) {
		if c.random.IntN(3) > 0 {
			lines = append(lines, c.line(object{"id": v.state.Lines[i].ID}))
		}
	}
	revised := details(n, v.id)
	revised["lines"] = lines
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

func (c *Client) line(line object) object {
	if line == nil {
		line = object{}
	}
	line["description"] = fmt.Sprint("Work ", c.random.IntN(100))
	line["quantity"] = fmt.Sprintf("%d.%d", c.random.IntN(9)+1, c.random.IntN(10))
	line["unitPrice"] = fmt.Sprintf("%d.%02d", c.random.IntN(90)+1, c.random.IntN(100))
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

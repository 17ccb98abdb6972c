package invoices

import "github.com/eventim-go/eventim/eventim"

// Command is what can be asked of an invoice. The set is closed.
type Command interface {
	decide(inv Invoice) ([]Event, error)
}

// Event is what can have happened to an invoice. The set is closed.
type Event interface {
	evolve(inv Invoice) Invoice
}

// Aggregate is the invoice. Its wire names are its interface: never change one
// that has been written.
var Aggregate = eventim.Aggregate[Invoice, Command, Event]{
	Name: "invoice",
	Decider: eventim.Decider[Invoice, Command, Event]{
		Decide: decide,
		Evolve: func(inv Invoice, e Event) Invoice { return e.evolve(inv) },
	},
	Commands: eventim.NewUnion(
		eventim.Of[Command]("CreateInvoice", CreateInvoice{}),
		eventim.Of[Command]("ChangeDetails", ChangeDetails{}),
		eventim.Of[Command]("AddLineItem", AddLineItem{}),
		eventim.Of[Command]("ChangeLineItem", ChangeLineItem{}),
		eventim.Of[Command]("RemoveLineItem", RemoveLineItem{}),
		eventim.Of[Command]("ReviseDraft", ReviseDraft{}),
		eventim.Of[Command]("SendInvoice", SendInvoice{}),
		eventim.Of[Command]("ReceivePayment", ReceivePayment{}),
		eventim.Of[Command]("DeleteInvoice", DeleteInvoice{}),
		eventim.Of[Command]("ReversePayment", ReversePayment{}),
		eventim.Of[Command]("VoidInvoice", VoidInvoice{}),
		eventim.Of[Command]("WriteOffInvoice", WriteOffInvoice{}),
		eventim.Of[Command]("RecordNumber", RecordNumber{}),
	),
	Events: eventim.NewUnion(
		eventim.Of[Event]("InvoiceCreated", InvoiceCreated{}),
		eventim.Of[Event]("DetailsChanged", DetailsChanged{}),
		eventim.Of[Event]("LineItemAdded", LineItemAdded{}),
		eventim.Of[Event]("LineItemChanged", LineItemChanged{}),
		eventim.Of[Event]("LineItemRemoved", LineItemRemoved{}),
		eventim.Of[Event]("LinesReordered", LinesReordered{}),
		eventim.Of[Event]("PricingChanged", PricingChanged{}),
		eventim.Of[Event]("InvoiceSent", InvoiceSent{}),
		eventim.Of[Event]("PaymentReceived", PaymentReceived{}),
		eventim.Of[Event]("InvoicePaid", InvoicePaid{}),
		eventim.Of[Event]("InvoiceDeleted", InvoiceDeleted{}),
		eventim.Of[Event]("PaymentReversed", PaymentReversed{}),
		eventim.Of[Event]("InvoiceVoided", InvoiceVoided{}),
		eventim.Of[Event]("InvoiceWrittenOff", InvoiceWrittenOff{}),
		eventim.Of[Event]("InvoiceNumbered", InvoiceNumbered{}),
	),
	State: eventim.JSON[Invoice]("invoice"),
	// 2: states have reasons, and what was written off or reversed. 3: they have tax, discounts
	// and charges. 4: they have numbers. A program of a smaller revision would drop them; it refuses these states instead.
	Revision: 4,
}

// decide is what all commands have in common. The time of a command is when
// Kafka took it.
func decide(inv Invoice, cmd eventim.Command[Command]) ([]Event, error) {
	if _, whole := cmd.Payload.(ReviseDraft); whole && cmd.Expected == nil {
		return nil, eventim.Reject(CodeVersionMissing, "a revised draft must name the version that it was made from")
	}
	c := tidied(cmd.Payload)
	events, err := c.decide(inv)
	if err == nil {
		err = checkNotAhead(c, cmd.Time)
	}
	if err != nil {
		return nil, err
	}
	return events, nil
}

// Package invoices is the invoice domain: values, commands, events and the two
// functions that make up its aggregate. It does no I/O and reads no clock.
//
// What a command does depends on the status of the invoice. A cell names the
// next status, or the code of the rejection:
//
//	command         (new)              draft                sent, partially_paid   paid                 deleted
//	CreateInvoice   draft              invoice_exists       invoice_exists         invoice_exists       invoice_deleted
//	ChangeDetails   invoice_not_found  draft                invoice_not_draft      invoice_not_draft    invoice_deleted
//	AddLineItem     invoice_not_found  draft                invoice_not_draft      invoice_not_draft    invoice_deleted
//	ChangeLineItem  invoice_not_found  draft                invoice_not_draft      invoice_not_draft    invoice_deleted
//	RemoveLineItem  invoice_not_found  draft                invoice_not_draft      invoice_not_draft    invoice_deleted
//	ReviseDraft     invoice_not_found  draft                invoice_not_draft      invoice_not_draft    invoice_deleted
//	SendInvoice     invoice_not_found  sent                 invoice_not_draft      invoice_not_draft    invoice_deleted
//	ReceivePayment  invoice_not_found  invoice_not_payable  partially_paid, paid   invoice_not_payable  invoice_deleted
//	DeleteInvoice   invoice_not_found  deleted              invoice_not_draft      invoice_not_draft    invoice_deleted
//
// A change to what an invoice says already is accepted and causes no event.
//
// Amounts are whole minor units of one currency per invoice. The net of a line
// is quantity times unit price, rounded half away from zero to the minor unit;
// totals are exact sums of nets (EN 16931, BR-CO-10). Events carry the amounts
// that were decided, so that a later rule cannot change what history says.
//
// Overdue is not a status: it is the due date and the balance, seen today.
package invoices

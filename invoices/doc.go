// Package invoices is the invoice domain: values, commands, events and the two
// functions that make up its aggregate. It does no I/O and reads no clock.
//
// What each command does in each status, a test writes down:
// docs/invoice-lifecycle.md.
//
// A change to what an invoice says already is accepted and causes no event.
//
// Amounts are whole minor units of one currency per invoice. The net of a line
// is quantity times unit price, rounded half away from zero to the minor unit,
// with its charge and without its discount. The total is the exact sum of the
// nets (EN 16931, BR-CO-10), or, where there is tax or a discount or charge of
// the invoice, what package totals makes of them. Events carry the amounts that
// were decided, so that a later rule cannot change what history says.
//
// Tax is something that a draft may say of a line. An invoice that says it of
// one must say it of all before it is sent, and why, where there is none.
//
// Overdue is not a status: it is the due date and the balance, seen today.
package invoices

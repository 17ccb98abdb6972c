// Package invoices is the invoice domain: values, commands, events and the two
// functions that make up its aggregate. It does no I/O and reads no clock.
//
// What each command does in each status, a test writes down:
// docs/invoice-lifecycle.md.
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

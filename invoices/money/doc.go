// Package money is amounts of money that are exact: whole minor units of a
// currency of ISO 4217, in 64 bits, of which nothing wraps. What does not fit is
// an error. Quantities, prices and rates are decimal numbers of any precision
// that people write; where one meets an amount, the result is rounded once, half
// away from zero, as EN 16931 does it.
//
// The package knows no invoices and does no I/O.
package money

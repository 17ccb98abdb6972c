// Package totals computes what an invoice comes to, by EN 16931: amounts of
// lines, discounts and charges, and the tax. It is pure, and knows amounts,
// rates and nothing else of an invoice.
//
// All amounts are exact. Tax is rounded once for each category and rate
// (BR-CO-17), half away from zero. Discounts and charges of the document are
// allocated to the categories by largest remainder, so that none of them is
// lost. The sums hold exactly: BR-CO-10, 13, 14, 15 and 16. What does not fit
// into 64 bits is an error.
//
// Where prices include tax, the customer pays what the prices say: what is
// taxable is made from that, and the minor unit by which it and its tax may
// then differ from the prices is the rounding amount (BT-114).
package totals

package totals

import "github.com/eventim-go/eventim/invoices/money"

// Totals are the amounts of a document. All but Rounding are without tax,
// unless they say otherwise. The names in brackets are those of EN 16931.
type Totals struct {
	Lines    money.Amount `json:"lines"`                                                                                          // sum of the lines (BT-106)
	Discount money.Amount `json:"discount"`                                                                                       // of the document (BT-107)
	Charge   money.Amount `json:"charge"`                                                                                         // of the document (BT-108)
	Net      money.Amount `json:"net"`                                                                                            // Lines - Discount + Charge (BT-109, BR-CO-13)
	Tax      money.Amount `json:"tax"`                                                                                            // sum of the taxes (BT-110, BR-CO-14)
	Gross    money.Amount `json:"gross"`                                                                                          // Net + Tax (BT-112, BR-CO-15)
	Rounding money.Amount `json:"rounding" doc:"What is added to the gross for what is owed, where prices include tax (BT-114)."` // (BR-CO-16)
	Taxes    []Subtotal   `json:"taxes,omitzero" nullable:"false" doc:"One for each category and rate."`
}

// Subtotal is what a document has of one category and rate (BG-23).
type Subtotal struct {
	Tax
	Taxable money.Amount `json:"taxable"` // BT-116
	Amount  money.Amount `json:"amount"`  // Taxable at the rate, rounded once (BT-117, BR-CO-17)
}

// Payable is what is to be paid for the document: the gross and the rounding.
// The zero Totals have none. (BR-CO-16, before anything is paid.)
func (t Totals) Payable() money.Amount {
	sum, _ := t.Gross.Add(t.Rounding) // Totals made it, and found that it fits
	return sum
}

// None tells whether these are no totals.
func (t Totals) None() bool { return t.Gross == money.Amount{} }

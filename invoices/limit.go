package invoices

// Limits, so that no invoice grows without bound. An invoice that has reached
// all of them is, as JSON, half a megabyte of Latin text, and below the 1 MiB
// that brokers allow a record by default in any living script. Lengths are in
// characters.
const (
	maxLines       = 1000
	maxPayments    = 450
	maxName        = 200
	maxEmail       = 254 // RFC 5321
	maxAddress     = 1000
	maxDescription = 200
	maxReference   = 140 // what a SEPA transfer carries
	maxReason      = 500
	maxNumber      = 100

	maxTransactionID = 64 // in bytes

	maxAdjustments      = 10  // discounts, and as many charges, of an invoice
	maxAdjustmentReason = 100 // of a discount or a charge
	maxExemptionReason  = 200
	maxTaxes            = 10 // categories and rates

	// maxPricedDraft is how many bytes of JSON a draft with tax, discounts or
	// charges may have: what its payments and its end may add still fits then.
	maxPricedDraft = 735_000

	maxWholeDigits    = 12
	maxFractionDigits = 6

	// maxAmount is the largest net and the largest total, in minor units. It
	// is exact in a float64, for programs that know no other number. Sums of
	// invoices have no limit: see Sum.
	maxAmount = 999_999_999_999_999
)

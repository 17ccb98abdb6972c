package invoices

// Codes of the rejections of this domain. They are stable: programs and
// translations depend on them.
const (
	CodeInvoiceExists          = "invoice_exists"
	CodeInvoiceNotFound        = "invoice_not_found"
	CodeInvoiceDeleted         = "invoice_deleted"
	CodeInvoiceNotDraft        = "invoice_not_draft"
	CodeInvoiceNotPayable      = "invoice_not_payable"  // a draft, void, or paid in full
	CodeInvoiceNotVoidable     = "invoice_not_voidable" // a draft, or something has been paid or written off, or void already
	CodeNothingToWriteOff      = "nothing_to_write_off"
	CodePaymentNotFound        = "payment_not_found"
	CodePaymentReversed        = "payment_reversed" // all of it has been taken back already
	CodePaymentMethodUnknown   = "payment_method_unknown"
	CodeReversalTooLarge       = "reversal_too_large"
	CodeTransactionUsed        = "transaction_id_used" // the invoice has it, over another amount
	CodeReasonMissing          = "reason_missing"
	CodeInvoiceEmpty           = "invoice_empty"
	CodeVersionMissing         = "version_missing" // a revised draft does not say which version it was made from
	CodeCustomerNameMissing    = "customer_name_missing"
	CodeCurrencyUnknown        = "currency_unknown"
	CodeCurrencyMismatch       = "currency_mismatch"
	CodeDateInvalid            = "date_invalid" // missing, or implausibly early or late
	CodeDueBeforeIssue         = "due_before_issue"
	CodeLineNotFound           = "line_not_found"
	CodeLinesMissing           = "lines_missing" // a revised draft without a list of lines
	CodeLineRepeated           = "line_repeated" // a revised draft carries a line twice
	CodeLineDescriptionMissing = "line_description_missing"
	CodeQuantityInvalid        = "quantity_invalid" // missing, zero, negative, or too many digits
	CodePriceInvalid           = "price_invalid"    // missing, negative, or too many digits
	CodeAmountNotPositive      = "amount_not_positive"
	CodeAmountTooLarge         = "amount_too_large"
	CodeTotalTooLarge          = "total_too_large"
	CodeOverpayment            = "overpayment"
	CodeTooManyLines           = "too_many_lines"
	CodeTooManyPayments        = "too_many_payments"
	CodeTooManyAdjustments     = "too_many_adjustments" // discounts, or charges, of the invoice
	CodeTooManyTaxes           = "too_many_taxes"
	CodeInvoiceTooLarge        = "invoice_too_large" // all that it says together
	CodeDiscountInvalid        = "discount_invalid"  // neither a percentage nor an amount, or both, or not positive, or too many digits
	CodeDiscountTooLarge       = "discount_too_large"
	CodeChargeInvalid          = "charge_invalid" // as discount_invalid
	CodeTaxCategoryUnknown     = "tax_category_unknown"
	CodeTaxCategoriesMixed     = "tax_categories_mixed"
	CodeTaxRateInvalid         = "tax_rate_invalid" // missing, zero or more than 100, or of a category that has none
	CodeTaxMissing             = "tax_missing"
	CodeExemptionInvalid       = "exemption_invalid" // of a category that has tax, or given twice
	CodeExemptionMissing       = "exemption_missing"
	CodeTextTooLong            = "text_too_long"
	CodeTextInvalid            = "text_invalid" // control characters
	CodeNumberNotDue           = "number_not_due"
	CodeNumberAssigned         = "number_assigned"
)

package invoices

// Codes lists the codes of all rejections of this domain.
func Codes() []string {
	return []string{
		CodeInvoiceExists, CodeInvoiceNotFound, CodeInvoiceDeleted, CodeInvoiceNotDraft, CodeInvoiceNotPayable, CodeInvoiceNotVoidable,
		CodeNothingToWriteOff, CodePaymentNotFound, CodePaymentReversed, CodePaymentMethodUnknown, CodeReversalTooLarge,
		CodeTransactionUsed, CodeReasonMissing, CodeInvoiceEmpty,
		CodeVersionMissing, CodeCustomerNameMissing, CodeCurrencyUnknown, CodeCurrencyMismatch, CodeDateInvalid, CodeDueBeforeIssue,
		CodeLineNotFound, CodeLinesMissing, CodeLineRepeated, CodeLineDescriptionMissing, CodeQuantityInvalid, CodePriceInvalid,
		CodeAmountNotPositive, CodeAmountTooLarge, CodeTotalTooLarge, CodeOverpayment, CodeTooManyLines, CodeTooManyPayments,
		CodeTooManyAdjustments, CodeTooManyTaxes, CodeInvoiceTooLarge, CodeDiscountInvalid, CodeDiscountTooLarge, CodeChargeInvalid,
		CodeTaxCategoryUnknown, CodeTaxCategoriesMixed, CodeTaxRateInvalid, CodeTaxMissing, CodeExemptionInvalid, CodeExemptionMissing,
		CodeTextTooLong, CodeTextInvalid, CodeNumberNotDue, CodeNumberAssigned,
	}
}

import { language } from './language/language'
import { type Text, t } from './language/text'

const titles: Record<string, string> = {
  invoice_not_found: t('This invoice does not exist'),
  invoice_deleted: t('This invoice was deleted'),
  invoice_not_draft: t('This invoice was already issued, so it can no longer be edited'),
  text_too_long: t('A text is too long'),
  text_invalid: t('A text holds a character that cannot be stored'),
  invoice_not_payable: t('This invoice does not take payments'),
  invoice_not_voidable: t('This invoice cannot be voided'),
  nothing_to_write_off: t('There is nothing to write off'),
  reason_missing: t('A reason is needed'),
  version_missing: t('The change does not say what it was made from'),
  line_not_found: t('The line is no longer there'),
  overpayment: t('That is more than what is owed'),
  version_conflict: t('Somebody else changed this invoice'),
  login_required: t('You are not logged in'),
  forbidden: t('Your role does not allow this'),
  too_many_requests: t('Too many requests in a short time'),
  sessions_unavailable: t('It cannot be found out who you are'),
  database_unavailable: t('The database cannot be reached'),
  kafka_unavailable: t('Kafka cannot be reached'),
  decision_panicked: t('The server failed while it handled the change'),
  command_id_reused: t('The change was mixed up with another one'),
  answer_gone: t('The change was made before'),
  result_too_large: t('The invoice is too large'),
  payload_invalid: t('The server could not read the change'),
  undecodable: t('The server could not read the change'),
  unknown: t('The answer was lost'),
}

/** A heading for people; the server's message says the rest. */
export function titleOf(code: string): string {
  return titles[code] ?? t('The change was not accepted')
}

/** A message of the server, which begins small and ends without a point, as a sentence. */
export function asSentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?…]$/.test(text) ? text : `${text}.`
}

/** What the server's sentences say, for a page in another language than theirs. */
const meanings: Record<string, Text> = {
  invoice_exists: 'There is such an invoice already',
  invoice_empty: 'The invoice has no lines',
  payment_not_found: 'There is no such payment',
  payment_reversed: 'All of the payment has been taken back already',
  payment_method_unknown: 'This way of paying is not known',
  reversal_too_large: 'That is more than was paid',
  transaction_id_used: 'This transaction was recorded already, over another amount',
  customer_name_missing: 'Enter the name of the customer.',
  currency_unknown: 'This currency is not known',
  currency_mismatch: 'The currency is not that of the invoice',
  date_invalid: 'The date is missing, or not plausible',
  due_before_issue: 'The due date is before the date of the invoice.',
  lines_missing: 'The invoice has no lines',
  line_repeated: 'A line stands twice in the draft',
  line_description_missing: 'Describe the line.',
  quantity_invalid: 'Enter a quantity above zero, with at most as many digits as can be counted',
  price_invalid: 'The price is missing, negative, or has too many digits',
  amount_not_positive: 'Enter an amount above zero.',
  amount_too_large: 'The amount is too large',
  total_too_large: 'The total is too large',
  too_many_lines: 'The invoice has too many lines',
  too_many_payments: 'The invoice has too many payments',
  too_many_adjustments: 'There are too many discounts or surcharges',
  too_many_taxes: 'There are too many different taxes',
  discount_invalid: 'The discount is neither a percentage nor an amount above zero',
  discount_too_large: 'The discount is larger than the amount',
  charge_invalid: 'The surcharge is neither a percentage nor an amount above zero',
  tax_category_unknown: 'This kind of tax is not known',
  tax_categories_mixed: 'These kinds of tax cannot stand on one invoice',
  tax_rate_invalid: 'Enter a rate above 0, and at most 100.',
  tax_missing: 'Some lines say nothing of tax',
  exemption_invalid: 'The reason for no tax does not fit',
  exemption_missing: 'Say why there is no tax',
}

/** The server's reason as a sentence in the language of the page. It knows more than this page; what it says in English is told as it is. */
export function explain(code: string, message: string, to = language): string {
  if (to === 'en') return asSentence(message)
  const meaning = meanings[code]
  return asSentence(meaning ? t(meaning, {}, to) : (titles[code] ?? message))
}

/** The field of a form that a code of the domain is about. */
const fieldOf: Record<string, string> = {
  customer_name_missing: 'name',
  currency_unknown: 'currency',
  currency_mismatch: 'amount',
  due_before_issue: 'dueDate',
  date_invalid: 'date',
  line_description_missing: 'lines',
  quantity_invalid: 'lines',
  price_invalid: 'lines',
  too_many_lines: 'lines',
  invoice_empty: 'lines',
  amount_not_positive: 'amount',
  amount_too_large: 'lines',
  overpayment: 'amount',
  total_too_large: 'lines',
}

const titles: Record<string, string> = {
  invoice_not_found: 'This invoice does not exist',
  invoice_deleted: 'This invoice was deleted',
  invoice_not_draft: 'This invoice was already sent, so it can no longer be edited',
  invoice_not_payable: 'This invoice does not take payments',
  line_not_found: 'The line is no longer there',
  overpayment: 'That is more than what is owed',
  version_conflict: 'Somebody else changed this invoice',
  database_unavailable: 'The database cannot be reached',
  kafka_unavailable: 'Kafka cannot be reached',
  decision_panicked: 'The server failed while it handled the change',
  command_id_reused: 'The change was mixed up with another one',
  answer_gone: 'The change was made before',
  result_too_large: 'The invoice is too large',
  payload_invalid: 'The server could not read the change',
  undecodable: 'The server could not read the change',
  unknown: 'The answer was lost',
}

/** A heading for people; the server's message says the rest. */
export function titleOf(code: string): string {
  return titles[code] ?? 'The change was not accepted'
}

/** A message of the server, which begins small and ends without a point, as a sentence. */
export function asSentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?…]$/.test(text) ? text : `${text}.`
}

/** Puts the server's message to the field that it is about; none when the form has no such field. */
export function fieldErrors(failure: { code: string; message: string } | undefined, has: string[]): Record<string, string> {
  const field = failure && fieldOf[failure.code]
  return field && has.includes(field) ? { [field]: asSentence(failure.message) } : {}
}

const titles: Record<string, string> = {
  invoice_not_found: 'This invoice does not exist',
  invoice_deleted: 'This invoice was deleted',
  invoice_not_draft: 'This invoice was already issued, so it can no longer be edited',
  text_too_long: 'A text is too long',
  text_invalid: 'A text holds a character that cannot be stored',
  invoice_not_payable: 'This invoice does not take payments',
  invoice_not_voidable: 'This invoice cannot be voided',
  nothing_to_write_off: 'There is nothing to write off',
  reason_missing: 'A reason is needed',
  version_missing: 'The change does not say what it was made from',
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

import type { Outcome } from './commands'
import { type Draft, type Errors, type LineDraft, isBlank } from './edit'
import { explain } from './problems'

// Finds the field of a form that a rejection is about, so that it is marked where it was typed.

const byCode: Record<string, string> = {
  customer_name_missing: 'name',
  currency_unknown: 'currency',
  currency_mismatch: 'amount',
  due_before_issue: 'dueDate',
  line_description_missing: 'description',
  quantity_invalid: 'quantity',
  price_invalid: 'unitPrice',
  amount_too_large: 'unitPrice',
  discount_invalid: 'discount',
  discount_too_large: 'discount',
  charge_invalid: 'charge',
  tax_category_unknown: 'category',
  tax_rate_invalid: 'rate',
  too_many_taxes: 'lines',
  invoice_too_large: 'lines',
  too_many_adjustments: 'adjustments',
  exemption_invalid: 'adjustments',
  exemption_missing: 'adjustments',
  too_many_lines: 'lines',
  invoice_empty: 'lines',
  total_too_large: 'lines',
  amount_not_positive: 'amount',
  overpayment: 'amount',
  reason_missing: 'reason',
}

// Codes that several fields share say in words which one they mean.
const byWords: [RegExp, string][] = [
  [/^the customer name\b/, 'name'],
  [/^the customer e-mail\b/, 'email'],
  [/^the customer address\b/, 'address'],
  [/^the issue date\b/, 'issueDate'],
  [/^the due date\b/, 'dueDate'],
  [/^the (payment )?date\b/, 'date'],
  [/^the reference\b/, 'reference'],
  [/^the reason\b/, 'reason'],
  [/\bline item description\b/, 'description'],
  [/\breason of the discount\b/, 'discount'],
  [/\breason of the charge\b/, 'charge'],
  [/^the exemption reason\b/, 'adjustments'],
]

const ofLines = ['description', 'quantity', 'unitPrice', 'category', 'rate', 'discount', 'charge']
const ofAll = ['name', 'email', 'address', 'issueDate', 'dueDate', 'currency', 'lines', 'adjustments']

/** Where the members of what a line says of its price are typed. */
const members: Record<string, (parent: string) => string> = {
  percent: (parent) => parent,
  reason: (parent) => (parent === 'discount' || parent === 'charge' ? parent : 'reason'),
  amount: (parent) => (parent === 'discount' || parent === 'charge' ? parent : 'amount'),
}

/** The name of the field: the last member of the pointer, what the code says, or what the words say. */
function fieldOf({ code, message, pointer }: Outcome): string {
  if (pointer?.includes('/pricing/') || /^the (reason of the )?(discount|charge) of the invoice\b/.test(message)) return 'adjustments'
  const [named, parent = ''] = pointer?.split('/').filter((part) => !/^\d*$/.test(part) && part !== 'currency').reverse() ?? []
  if (named !== undefined) return members[named]?.(parent) ?? named
  return byCode[code] ?? byWords.find(([words]) => words.test(message))?.[1] ?? ''
}

/** The server's message at the field of an invoice that it is about; nothing when it is about none. */
export function invoiceErrors(failure: Outcome, draft: Draft): Errors {
  const field = fieldOf(failure)
  const error = explain(failure.code, failure.message)
  if (!ofLines.includes(field)) return ofAll.includes(field) ? { [field]: error } : {}
  const line = lineOf(failure, draft)
  return { [line ? `${line.key}.${field}` : 'lines']: error }
}

/** The line that a command was about: by its place in a whole invoice, by its id, or by what it says. */
function lineOf({ change: { step }, message, pointer }: Outcome, { lines }: Draft): LineDraft | undefined {
  const filled = lines.filter((l) => !isBlank(l))
  if (step.command === 'CreateInvoice' || step.command === 'ReviseDraft') {
    const at = /\/lines\/(\d+)/.exec(pointer ?? '')?.[1]
    const counted = /^line item (\d+):/.exec(message)?.[1]
    return filled[at === undefined ? Number(counted ?? 0) - 1 : Number(at)]
  }
  const { lineId, description } = step.payload as { lineId?: string; description?: string }
  return filled.find((l) => (lineId === undefined ? l.id === undefined && l.description.trim() === description : l.id === lineId))
}

/** The server's message at the field of a payment that it is about. */
export function paymentErrors(failure: Outcome): Errors {
  const field = fieldOf(failure)
  return ['amount', 'date', 'reference'].includes(field) ? { [field]: explain(failure.code, failure.message) } : {}
}

/** The server's message at the reason that a change was given. */
export function reasonError(failure: Outcome): string | undefined {
  return fieldOf(failure) === 'reason' ? explain(failure.code, failure.message) : undefined
}

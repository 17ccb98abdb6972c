import { isDay } from './dates'
import type { Customer, Invoice, Line } from './model'
import { compare, isPositive, readDecimal } from './money'
import type { Step } from './pending'

/** A line as it is being typed. New lines have no id yet. */
export interface LineDraft {
  key: string
  id?: string
  description: string
  quantity: string
  unitPrice: string
}

export interface Draft {
  customer: Customer
  currency: string
  issueDate: string
  dueDate: string
  lines: LineDraft[]
}

export type Errors = Record<string, string>

export function draftOf(invoice: Invoice): Draft {
  const { customer, currency, issueDate, dueDate } = invoice
  return { customer: { ...customer }, currency, issueDate, dueDate, lines: invoice.lines.map(toDraft) }
}

function toDraft({ id, description, quantity, unitPrice }: Line): LineDraft {
  return { key: id, id, description, quantity, unitPrice }
}

/** A row in which nothing was typed: it is left out without a word. */
export function isBlank(line: LineDraft): boolean {
  return line.id === undefined && line.description.trim() === '' && line.unitPrice.trim() === ''
}

const howToType = 'Use digits and a decimal point, such as 1250.50.'

/** What is wrong, by field: early help only, the domain decides. */
export function validate(draft: Draft): Errors {
  const errors: Errors = {}
  if (draft.customer.name.trim() === '') errors.name = 'Enter the name of the customer.'
  if (!isDay(draft.issueDate)) errors.issueDate = 'Enter the date of the invoice.'
  if (!isDay(draft.dueDate)) errors.dueDate = 'Enter the date by which it is to be paid.'
  else if (draft.dueDate < draft.issueDate) errors.dueDate = 'The due date is before the date of the invoice.'
  for (const line of draft.lines) if (!isBlank(line)) Object.assign(errors, validateLine(line))
  return errors
}

function validateLine(line: LineDraft): Errors {
  const errors: Errors = {}
  if (line.description.trim() === '') errors[`${line.key}.description`] = 'Describe the line.'
  const quantity = readDecimal(line.quantity)
  if (quantity === undefined) errors[`${line.key}.quantity`] = howToType
  else if (!isPositive(quantity)) errors[`${line.key}.quantity`] = 'Enter a quantity above zero.'
  if (readDecimal(line.unitPrice) === undefined) errors[`${line.key}.unitPrice`] = howToType
  return errors
}

function payload(line: LineDraft) {
  const quantity = readDecimal(line.quantity) ?? line.quantity
  const unitPrice = readDecimal(line.unitPrice) ?? line.unitPrice
  return { description: line.description.trim(), quantity, unitPrice }
}

function trimmed(c: Customer): Customer {
  return { name: c.name.trim(), email: c.email.trim(), address: c.address.trim() }
}

export function creation(draft: Draft): Step {
  const { currency, issueDate, dueDate } = draft
  const lines = draft.lines.filter((l) => !isBlank(l)).map(payload)
  return { command: 'CreateInvoice', payload: { customer: trimmed(draft.customer), currency, issueDate, dueDate, lines } }
}

/** The commands that turn base into draft. Lines are named by id, so that they can be applied to a later version too. */
export function changes(base: Invoice, draft: Draft): Step[] {
  const lines = adopt(base, draft.lines)
  const kept = new Set(lines.map((l) => l.id))
  return [
    ...changedDetails(base, draft),
    ...base.lines.filter((l) => !kept.has(l.id)).map(removal),
    ...lines.flatMap((l) => changedLine(base, l)),
  ]
}

/** A new line that base has already, since an earlier attempt got so far, is not added twice. */
function adopt(base: Invoice, lines: LineDraft[]): LineDraft[] {
  const free = base.lines.filter((b) => !lines.some((l) => l.id === b.id))
  return lines.map((line) => {
    const i = line.id === undefined && !isBlank(line) ? free.findIndex((b) => says(b, payload(line))) : -1
    const [found] = i < 0 ? [] : free.splice(i, 1)
    return found ? { ...line, id: found.id } : line
  })
}

function changedDetails(base: Invoice, { customer, issueDate, dueDate }: Draft): Step[] {
  const c = trimmed(customer)
  const b = base.customer
  const same = c.name === b.name && c.email === b.email && c.address === b.address
  if (same && issueDate === base.issueDate && dueDate === base.dueDate) return []
  return [{ command: 'ChangeDetails', payload: { customer: c, issueDate, dueDate } }]
}

function removal(line: Line): Step {
  return { command: 'RemoveLineItem', payload: { lineId: line.id } }
}

function changedLine(base: Invoice, line: LineDraft): Step[] {
  if (isBlank(line)) return []
  const next = payload(line)
  if (line.id === undefined) return [{ command: 'AddLineItem', payload: next }]
  const old = base.lines.find((l) => l.id === line.id)
  if (old && says(old, next)) return []
  return [{ command: 'ChangeLineItem', payload: { lineId: line.id, ...next } }]
}

function says(line: Line, { description, quantity, unitPrice }: ReturnType<typeof payload>): boolean {
  return line.description === description && compare(line.quantity, quantity) === 0 && compare(line.unitPrice, unitPrice) === 0
}

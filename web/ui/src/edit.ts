import { addDays, daysBetween, isDay } from './dates'
import { uuidv7 } from './ids'
import type { Customer, Invoice, Line } from './model'
import { compare, isPositive } from './money'
import {
  type LinePricing, type PricingDraft, adjustmentError, rateError, readLinePricing, readPricing, sameAdjustment, samePricing, sameTax,
  typedLinePricing, typedPricing,
} from './pricing'
import type { Step } from './pending'
import { misread, readDecimal, typedForm } from './reading'
import { t } from './language/text'

/** A line as it is being typed. New lines have no id yet. */
export interface LineDraft extends LinePricing {
  key: string
  id?: string
  description: string
  quantity: string
  unitPrice: string
}

export interface Draft extends PricingDraft {
  customer: Customer
  currency: string
  issueDate: string
  dueDate: string
  lines: LineDraft[]
}

export type Errors = Record<string, string>

export function draftOf(invoice: Invoice): Draft {
  const { customer, currency, issueDate, dueDate } = invoice
  return { customer: { ...customer }, currency, issueDate, dueDate, lines: invoice.lines.map(toDraft), ...typedPricing(invoice) }
}

/** A new draft that says what an invoice says, from another day on and with as many days to pay. */
export function duplicate(invoice: Invoice, day: string): Draft {
  const { issueDate, dueDate, lines, ...same } = draftOf(invoice)
  const fresh = lines.map(({ id: _, ...line }) => ({ ...line, key: uuidv7() }))
  return { ...same, issueDate: day, dueDate: addDays(day, daysBetween(issueDate, dueDate)), lines: fresh }
}

export function toDraft({ id, description, quantity, unitPrice, ...priced }: Line): LineDraft {
  return { key: id, id, description, quantity: typedForm(quantity), unitPrice: typedForm(unitPrice), ...typedLinePricing(priced) }
}

/** A row in which nothing was typed: it is left out without a word. */
export function isBlank(line: LineDraft): boolean {
  return line.id === undefined && line.description.trim() === '' && line.unitPrice.trim() === ''
}

// The limits of the domain, in characters, so that a slip is marked while the form is still there.
const limits = { name: 200, email: 254, address: 1000, description: 200, adjustment: 100, exemption: 200 }

/** The server counts characters of Unicode. */
export function characters(text: string): number {
  return Array.from(text.trim()).length
}

function tooLong(text: string, limit: number): string | undefined {
  const length = characters(text)
  return length > limit ? t('That is {length} characters long. At most {limit} fit.', { length, limit }) : undefined
}

/** What is wrong, by field, from the top of the form to its end: early help only, the domain decides. */
export function validate(draft: Draft): Errors {
  const { name, email, address } = draft.customer
  const errors: Errors = {}
  note(errors, 'name', name.trim() === '' ? t('Enter the name of the customer.') : tooLong(name, limits.name))
  note(errors, 'email', tooLong(email, limits.email))
  note(errors, 'address', tooLong(address, limits.address))
  note(errors, 'issueDate', isDay(draft.issueDate) ? undefined : t('Enter the date of the invoice.'))
  if (!isDay(draft.dueDate)) errors.dueDate = t('Enter the date by which it is to be paid.')
  else if (draft.dueDate < draft.issueDate) errors.dueDate = t('The due date is before the date of the invoice.')
  for (const line of draft.lines) if (!isBlank(line)) validateLine(errors, line)
  for (const { key, value, reason } of draft.adjustments ?? []) note(errors, `${key}.value`, adjustmentError(value) ?? tooLong(reason, limits.adjustment))
  for (const [category, reason] of Object.entries(draft.exemptions ?? {})) note(errors, `exemption.${category}`, tooLong(reason, limits.exemption))
  return errors
}

function note(errors: Errors, field: string, error: string | undefined): void {
  if (error) errors[field] = error
}

function validateLine(errors: Errors, { key, description, quantity, unitPrice, ...priced }: LineDraft): void {
  note(errors, `${key}.description`, description.trim() === '' ? t('Describe the line.') : tooLong(description, limits.description))
  note(errors, `${key}.quantity`, misread(quantity) ?? (isPositive(readDecimal(quantity) ?? '') ? undefined : t('Enter a quantity above zero.')))
  note(errors, `${key}.unitPrice`, misread(unitPrice))
  if (priced.category === 'S') note(errors, `${key}.rate`, rateError(priced.rate))
  note(errors, `${key}.discount`, adjustmentError(priced.discount) ?? tooLong(priced.discountReason ?? '', limits.adjustment))
  note(errors, `${key}.charge`, adjustmentError(priced.charge) ?? tooLong(priced.chargeReason ?? '', limits.adjustment))
}

function payload(line: LineDraft) {
  const quantity = readDecimal(line.quantity) ?? line.quantity
  const unitPrice = readDecimal(line.unitPrice) ?? line.unitPrice
  return { description: line.description.trim(), quantity, unitPrice, ...readLinePricing(line) }
}

function trimmed(c: Customer): Customer {
  return { name: c.name.trim(), email: c.email.trim(), address: c.address.trim() }
}

export function creation(draft: Draft): Step {
  const { currency, issueDate, dueDate } = draft
  const lines = draft.lines.filter((l) => !isBlank(l)).map(payload)
  const pricing = readPricing(draft)
  const priced = pricing && Object.keys(pricing).length > 0 && { pricing }
  return { command: 'CreateInvoice', payload: { customer: trimmed(draft.customer), currency, issueDate, dueDate, lines, ...priced } }
}

/**
 * The command that makes base say what draft does, all of it or nothing; none when it says so already. It carries the
 * whole draft, so it is sent with the version that base is.
 */
export function revision(base: Invoice, draft: Draft): Step | undefined {
  const lines = adopt(base, draft.lines).filter((l) => !isBlank(l))
  const customer = trimmed(draft.customer)
  const { issueDate, dueDate } = draft
  const pricing = readPricing(draft)
  const priced = pricing === undefined || samePricing(base.pricing, pricing)
  if (priced && sameDetails(base, { customer, issueDate, dueDate }) && sameLines(base.lines, lines)) return undefined
  const revised = lines.map((l) => ({ ...(l.id !== undefined && { id: l.id }), ...payload(l) }))
  return { command: 'ReviseDraft', payload: { customer, issueDate, dueDate, lines: revised, ...(pricing && { pricing }) } }
}

/** A new line that base has already, since an earlier attempt got so far, is not added twice. */
export function adopt(base: Invoice, lines: LineDraft[]): LineDraft[] {
  const free = base.lines.filter((b) => !lines.some((l) => l.id === b.id))
  return lines.map((line) => {
    const i = line.id === undefined && !isBlank(line) ? free.findIndex((b) => says(b, payload(line))) : -1
    const [found] = i < 0 ? [] : free.splice(i, 1)
    return found ? { ...line, id: found.id } : line
  })
}

function sameDetails({ customer: b, ...base }: Invoice, { customer: c, issueDate, dueDate }: Pick<Draft, 'customer' | 'issueDate' | 'dueDate'>): boolean {
  return c.name === b.name && c.email === b.email && c.address === b.address && issueDate === base.issueDate && dueDate === base.dueDate
}

function sameLines(base: Line[], lines: LineDraft[]): boolean {
  return base.length === lines.length && base.every((b, i) => lines[i]?.id === b.id && says(b, payload(lines[i])))
}

function says(line: Line, { description, quantity, unitPrice, ...priced }: ReturnType<typeof payload>): boolean {
  const sameNumbers = compare(line.quantity, quantity) === 0 && compare(line.unitPrice, unitPrice) === 0
  return line.description === description && sameNumbers && sameAdjustment(line.discount, priced.discount) && sameAdjustment(line.charge, priced.charge) && sameTax(line.tax, priced.tax)
}

/** Whether the draft says something else than base. */
export function isDirty(base: Invoice, draft: Draft): boolean {
  return revision(base, draft) !== undefined
}

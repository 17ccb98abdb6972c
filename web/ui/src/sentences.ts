import type { CommandName } from './api'
import { formatDay } from './dates'
import { type Money, formatDecimal, formatMoney } from './money'
import { t } from './language/text'
import type { Step } from './pending'

// Payloads and events are read defensively: history may be older than this page.
type Data = Record<string, unknown>

const record = (value: unknown): Data => (typeof value === 'object' && value !== null ? (value as Data) : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function money(value: unknown): string {
  const { amount, currency } = record(value)
  return text(amount) && text(currency) ? formatMoney({ amount, currency } as Money) : ''
}

const quoted = (value: unknown) => (text(value) ? t(' “{text}”', { text: text(value) }) : '')
const because = (reason: unknown) => (text(reason) ? `: ${text(reason)}` : '')
const named = (customer: unknown) => (text(record(customer).name) ? t(' for {name}', { name: text(record(customer).name) }) : '')

const doing: Record<CommandName, (p: Data) => string> = {
  CreateInvoice: (p) => t('Create the invoice{for}', { for: named(p.customer) }),
  ChangeDetails: (p) => t('Change the details{for}', { for: named(p.customer) }),
  AddLineItem: (p) => t('Add the line{what}', { what: quoted(p.description) }),
  ChangeLineItem: (p) => t('Change the line{what}', { what: quoted(p.description) }),
  RemoveLineItem: () => t('Remove a line'),
  ReviseDraft: (p) => t('Save the draft{for}', { for: named(p.customer) }),
  SendInvoice: () => t('Mark the invoice as sent'),
  ReceivePayment: (p) => t('Record the payment of {amount}', { amount: money(p.amount) }),
  DeleteInvoice: () => t('Delete the draft'),
  VoidInvoice: (p) => t('Void the invoice{why}', { why: quoted(p.reason) }),
  WriteOffInvoice: (p) => t('Write off what is left{why}', { why: quoted(p.reason) }),
}

/** What a command asks for, in the words of a person. */
export function request(step: Step): string {
  return doing[step.command](record(step.payload))
}

const saved = () => t('Draft saved')

const done: Record<CommandName, (p: Data) => string> = {
  CreateInvoice: (p) => t('Invoice{for} created', { for: named(p.customer) }),
  ChangeDetails: saved,
  AddLineItem: saved,
  ChangeLineItem: saved,
  RemoveLineItem: saved,
  ReviseDraft: saved,
  SendInvoice: () => t('Invoice marked as sent'),
  ReceivePayment: (p) => t('Payment of {amount} recorded', { amount: money(p.amount) }),
  DeleteInvoice: () => t('Draft deleted'),
  VoidInvoice: () => t('Invoice voided'),
  WriteOffInvoice: () => t('Invoice written off'),
}

export function completed(step: Step): string {
  return done[step.command](record(step.payload))
}

function ofLine(data: Data): string {
  const line = record(data.line ?? data)
  const quantity = text(line.quantity) && formatDecimal(text(line.quantity))
  const price = text(line.unitPrice) && formatDecimal(text(line.unitPrice))
  return `${quoted(line.description)}${quantity && price ? `: ${quantity} × ${price}` : ''}`
}

function lineCount(lines: unknown): string {
  const n = Array.isArray(lines) ? lines.length : 0
  return n === 0 ? '' : n === 1 ? t(' with one line') : t(' with {n} lines', { n })
}

function due(d: Data): string {
  return text(d.dueDate) ? t(', due {day}', { day: formatDay(text(d.dueDate)) }) : ''
}

const happened: Record<string, (d: Data) => string> = {
  InvoiceCreated: (d) => t('Draft created{for}{lines}{due}', { for: named(d.customer), lines: lineCount(d.lines), due: due(d) }),
  DetailsChanged: (d) => t('Details changed{for}{due}', { for: named(d.customer), due: due(d) }),
  LineItemAdded: (d) => t('Line added{line}', { line: ofLine(d) }),
  LineItemChanged: (d) => t('Line changed{line}', { line: ofLine(d) }),
  LineItemRemoved: (d) => t('Line {id} removed', { id: text(d.lineId) || text(d.id) }).replace('  ', ' '),
  PricingChanged: (d) => (money(d.total) ? t('Discounts, surcharges or tax changed: {total} in total', { total: money(d.total) }) : t('Discounts, surcharges or tax changed')),
  LinesReordered: () => t('Lines put into another order'),
  InvoiceSent: (d) => (money(d.total) ? t('Invoice marked as sent: {total} to be paid', { total: money(d.total) }) : t('Invoice marked as sent')),
  InvoiceNumbered: (d) => t('Number {number} given', { number: text(d.number) }),
  PaymentReceived: (d) => {
    const payment = record(d.payment ?? d)
    const [amount, reference] = [money(payment.amount), text(payment.reference)]
    return `${amount ? t('Payment of {amount} received', { amount }) : t('Payment received')}${reference ? ` (${reference})` : ''}`
  },
  PaymentReversed: (d) => t('{amount} of payment {id} taken back{why}', { amount: money(d.amount) || t('A part'), id: text(d.paymentId), why: because(d.reason) }),
  InvoicePaid: () => t('Invoice paid in full'),
  InvoiceDeleted: () => t('Draft deleted'),
  InvoiceVoided: (d) => t('Invoice voided{why}', { why: because(d.reason) }),
  InvoiceWrittenOff: (d) => t('{amount} written off{why}', { amount: money(d.amount) || t('What was left'), why: because(d.reason) }),
}

/** What an event says, in the words of a person; the words of its type when it is unknown. */
export function sentence(type: string, data: unknown): string {
  return happened[type]?.(record(data)) ?? type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
}

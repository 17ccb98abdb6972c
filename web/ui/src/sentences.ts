import type { CommandName } from './api'
import { formatDay } from './dates'
import { type Money, formatDecimal, formatMoney } from './money'
import type { Step } from './pending'

// Payloads and events are read defensively: history may be older than this page.
type Data = Record<string, unknown>

const record = (value: unknown): Data => (typeof value === 'object' && value !== null ? (value as Data) : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function money(value: unknown): string {
  const { amount, currency } = record(value)
  return text(amount) && text(currency) ? formatMoney({ amount, currency } as Money) : ''
}

const quoted = (value: unknown) => (text(value) ? ` “${text(value)}”` : '')
const because = (reason: unknown) => (text(reason) ? `: ${text(reason)}` : '')
const named = (customer: unknown) => (text(record(customer).name) ? ` for ${text(record(customer).name)}` : '')

const doing: Record<CommandName, (p: Data) => string> = {
  CreateInvoice: (p) => `Create the invoice${named(p.customer)}`,
  ChangeDetails: (p) => `Change the details${named(p.customer)}`,
  AddLineItem: (p) => `Add the line${quoted(p.description)}`,
  ChangeLineItem: (p) => `Change the line${quoted(p.description)}`,
  RemoveLineItem: () => 'Remove a line',
  ReviseDraft: (p) => `Save the draft${named(p.customer)}`,
  SendInvoice: () => 'Mark the invoice as sent',
  ReceivePayment: (p) => `Record the payment of ${money(p.amount)}`,
  DeleteInvoice: () => 'Delete the draft',
  VoidInvoice: (p) => `Void the invoice${quoted(p.reason)}`,
  WriteOffInvoice: (p) => `Write off what is left${quoted(p.reason)}`,
}

/** What a command asks for, in the words of a person. */
export function request(step: Step): string {
  return doing[step.command](record(step.payload))
}

const done: Record<CommandName, (p: Data) => string> = {
  CreateInvoice: (p) => `Invoice${named(p.customer)} created`,
  ChangeDetails: () => 'Draft saved',
  AddLineItem: () => 'Draft saved',
  ChangeLineItem: () => 'Draft saved',
  RemoveLineItem: () => 'Draft saved',
  ReviseDraft: () => 'Draft saved',
  SendInvoice: () => 'Invoice marked as sent',
  ReceivePayment: (p) => `Payment of ${money(p.amount)} recorded`,
  DeleteInvoice: () => 'Draft deleted',
  VoidInvoice: () => 'Invoice voided',
  WriteOffInvoice: () => 'Invoice written off',
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
  return n === 0 ? '' : n === 1 ? ' with one line' : ` with ${n} lines`
}

function dates(d: Data): string {
  return text(d.dueDate) ? `, due ${formatDay(text(d.dueDate))}` : ''
}

const happened: Record<string, (d: Data) => string> = {
  InvoiceCreated: (d) => `Draft created${named(d.customer)}${lineCount(d.lines)}${dates(d)}`,
  DetailsChanged: (d) => `Details changed${named(d.customer)}${dates(d)}`,
  LineItemAdded: (d) => `Line added${ofLine(d)}`,
  LineItemChanged: (d) => `Line changed${ofLine(d)}`,
  LineItemRemoved: (d) => `Line ${text(d.lineId) || text(d.id)} removed`.replace('  ', ' '),
  PricingChanged: (d) => `Discounts, surcharges or tax changed${money(d.total) ? `: ${money(d.total)} in total` : ''}`,
  LinesReordered: () => 'Lines put into another order',
  InvoiceSent: (d) => `Invoice marked as sent${money(d.total) ? `: ${money(d.total)} to be paid` : ''}`,
  PaymentReceived: (d) => {
    const payment = record(d.payment ?? d)
    const reference = text(payment.reference)
    const amount = money(payment.amount)
    return `Payment ${amount ? `of ${amount} ` : ''}received${reference ? ` (${reference})` : ''}`
  },
  PaymentReversed: (d) => `${money(d.amount) || 'A part'} of payment ${text(d.paymentId)} taken back${because(d.reason)}`,
  InvoicePaid: () => 'Invoice paid in full',
  InvoiceDeleted: () => 'Draft deleted',
  InvoiceVoided: (d) => `Invoice voided${because(d.reason)}`,
  InvoiceWrittenOff: (d) => `${money(d.amount) || 'What was left'} written off${because(d.reason)}`,
}

/** What an event says, in the words of a person; the words of its type when it is unknown. */
export function sentence(type: string, data: unknown): string {
  return happened[type]?.(record(data)) ?? type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
}

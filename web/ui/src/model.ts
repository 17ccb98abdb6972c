import { type Money, isZero } from './money'

export type Status = 'draft' | 'sent' | 'partially_paid' | 'paid' | 'void' | 'written_off' | 'deleted'

export interface Customer {
  name: string
  email: string
  address: string
}

/** Why the tax of a line is what it is, by EN 16931. */
export type Category = 'S' | 'Z' | 'E' | 'AE' | 'G' | 'O'

export interface Tax {
  category: Category
  rate?: string // in percent, of S
}

/** A discount or a charge: a percentage or an amount. */
export interface Adjustment {
  percent?: string
  amount?: string
  reason?: string
}

export interface Line {
  id: string
  description: string
  quantity: string
  unitPrice: string
  discount?: Adjustment
  charge?: Adjustment
  tax?: Tax
  net: Money // with discount and charge, and with the tax where prices include it
}

/** What an invoice says of all its lines together. */
export interface Pricing {
  pricesIncludeTax?: boolean
  discounts?: Adjustment[]
  charges?: Adjustment[]
  exemptions?: { category: Category; reason: string }[]
}

export interface Subtotal extends Tax {
  taxable: Money
  amount: Money
}

/** What an invoice comes to, where there is more to say than the sum of its lines. */
export interface Totals {
  lines: Money
  discount: Money
  charge: Money
  net: Money
  tax: Money
  gross: Money
  rounding: Money
  taxes?: Subtotal[]
}

export interface Payment {
  id: string
  amount: Money
  date: string
  reference: string
  reversed?: Money // how much of it was taken back
}

export interface Invoice {
  customer: Customer
  currency: string
  issueDate: string
  dueDate: string
  status: Status
  lines: Line[]
  total: Money
  paid: Money
  balance: Money
  payments: Payment[]
  writtenOff?: Money
  reason?: string // why it is void or written off
  pricing?: Pricing
  totals?: Totals
  number?: string // in its series, a moment after it was sent
}

/** One invoice with the version that it stands at. */
export interface Detail {
  id: string
  version: number
  updatedAt: string
  overdue: boolean
  invoice: Invoice
}

/** One row of the list. */
export interface Row {
  id: string
  number?: string
  version: number
  customerName: string
  status: Status
  currency: string
  total: Money
  paid: Money
  balance: Money
  issueDate: string
  dueDate: string
  updatedAt: string
  overdue: boolean
}

export interface CurrencyTotal {
  currency: string
  count: number
  total: Money
  balance: Money
  outstanding?: Money // the balance without drafts, which nobody owes yet; nodes of the version before do not tell it
  draft?: Money
}

export interface ListPage {
  invoices: Row[]
  next?: string
  count: number
  totals: CurrencyTotal[]
}

/** What became of one field: the path is a JSON Pointer in which lines and payments stand by their ids. */
export interface Change {
  path: string
  kind: 'added' | 'removed' | 'changed'
  before?: unknown
  after?: unknown
}

export interface HistoryEntry {
  version: number
  type: string
  time: string
  actor: string
  commandId: string
  data: unknown
}

/** What a person may do with an invoice; the domain decides in the end. */
export const can = {
  edit: (i: Invoice) => i.status === 'draft',
  remove: (i: Invoice) => i.status === 'draft',
  send: (i: Invoice) => i.status === 'draft' && i.lines.length > 0,
  take: (row: Row) => isOwed(row),
  pay: (i: Invoice) => isOwed(i) || i.status === 'written_off',
  void: (i: Invoice) => i.status === 'sent' && isZero(i.paid.amount),
  writeOff: (i: Invoice) => isOwed(i),
}

const isOwed = ({ status }: Pick<Invoice, 'status'>) => status === 'sent' || status === 'partially_paid'

/** How much can still be paid: the balance, or what was written off. */
export function payable({ balance, writtenOff }: Invoice): Money {
  return writtenOff ?? balance
}

/** Overdue depends on the day, so it is never stored: money is owed and the due date has passed. */
export function isOverdue(i: Pick<Invoice, 'status' | 'dueDate'>, today: string): boolean {
  return isOwed(i) && i.dueDate < today
}

/** A short name for an invoice: its number, or the random end of its id while it has none. */
export function reference(id: string, number?: string): string {
  return number ?? id.slice(-8).toUpperCase()
}

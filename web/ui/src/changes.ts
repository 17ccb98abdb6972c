import { statusNames } from './components/status'
import { formatDay } from './dates'
import type { Adjustment, Change, Invoice, Status, Tax } from './model'
import { type Money, formatDecimal, formatMoney } from './money'
import { taxName } from './pricing'
import { t } from './language/text'

/** A change in the words of a person. */
export interface Told {
  what: string
  before: string // "" when there was nothing
  after: string
}

// Values are read defensively: the server may be newer than this page.
type Data = Record<string, unknown>

const record = (value: unknown): Data => (typeof value === 'object' && value !== null ? (value as Data) : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const fields: Record<string, string> = {
  customer: t('Customer'),
  'customer/name': t('Customer'),
  'customer/email': t('E-mail'),
  'customer/address': t('Address'),
  issueDate: t('Issued'),
  dueDate: t('Due'),
  currency: t('Currency'),
  status: t('Status'),
  number: t('Number'),
  total: t('Total'),
  paid: t('Paid'),
  balance: t('Balance due'),
  writtenOff: t('Written off'),
  reason: t('Reason'),
  lines: t('Order of the lines'),
  pricing: t('Discounts and surcharges'),
  'pricing/discounts': t('Discount'),
  'pricing/charges': t('Surcharge'),
  'pricing/pricesIncludeTax': t('Prices include tax'),
  'pricing/exemptions': t('Exempt'),
  'totals/tax': t('Tax'),
}

const ofLine: Record<string, string> = {
  description: t('Description'),
  quantity: t('Quantity'),
  unitPrice: t('Unit price'),
  net: t('Amount'),
  tax: t('Tax'),
  discount: t('Discount'),
  charge: t('Surcharge'),
}

/** The changes that say something to a person, in their words. What this page does not know is told by its path. */
export function tellAll(changes: Change[], { lines }: Pick<Invoice, 'lines'>): Told[] {
  const named = new Map(lines.map((l) => [l.id, l.description]))
  return changes.filter(({ path }) => !isInside(path)).map((change) => tell(change, named))
}

/** Numbers that the product keeps for itself, and sums that follow from others. */
function isInside(path: string): boolean {
  return ['/lastLine', '/series', '/totals'].includes(path) || (path.startsWith('/totals/') && path !== '/totals/tax')
}

function tell({ path, before, after }: Change, named: Map<string, string>): Told {
  const [list = '', id = '', field = ''] = path.slice(1).split('/')
  const values = (show: (value: unknown) => string) => ({ before: show(before), after: show(after) })
  if (list === 'lines' && id) {
    const what = t('Line “{what}”', { what: text(record(before ?? after).description) || (named.get(id) ?? id) })
    return field ? { what: `${what}: ${ofLine[field] ?? path.split('/').slice(3).join(' ')}`, ...values(shown) } : { what, ...values(lineOf) }
  }
  if (list === 'payments' && id) return { what: t('Payment {id}', { id }), ...values(field ? shown : paymentOf) }
  if (path === '/status') return { what: t('Status'), ...values((v) => (text(v) in statusNames ? statusNames[text(v) as Status] : text(v))) }
  return { what: fields[path.slice(1)] ?? path, ...values(path === '/lines' ? orderOf(named) : shown) }
}

const orderOf = (named: Map<string, string>) => (ids: unknown) => (Array.isArray(ids) ? ids.map((id) => named.get(text(id)) ?? text(id)).join(', ') : '')

function lineOf(value: unknown): string {
  const { quantity, unitPrice } = record(value)
  return text(quantity) && `${formatDecimal(text(quantity))} × ${formatDecimal(text(unitPrice))}`
}

function paymentOf(value: unknown): string {
  const { amount, date } = record(value)
  return [shown(amount), shown(date)].filter(Boolean).join(', ')
}

/** A value of any field: amounts, days and numbers as people write them. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'boolean') return value ? t('yes') : t('no')
  if (Array.isArray(value)) return value.map(shown).join(', ')
  if (typeof value === 'object') return objectOf(value as Data)
  const said = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  if (/^\d{4}-\d{2}-\d{2}$/.test(said)) return formatDay(said)
  return /^-?\d+(\.\d+)?$/.test(said) ? formatDecimal(said) : said
}

function objectOf(value: Data): string {
  const { amount, currency, percent, category, reason } = value
  if (text(amount) && text(currency)) return formatMoney({ amount, currency } as Money)
  if (text(percent) || text(amount)) return adjustment(value)
  if (text(category)) return [taxName(value as unknown as Tax), text(reason)].filter(Boolean).join(': ')
  return Object.values(value).map(shown).filter(Boolean).join(', ')
}

function adjustment({ percent, amount = '', reason }: Adjustment): string {
  return [percent !== undefined ? `${formatDecimal(percent)} %` : formatDecimal(amount), reason && `(${reason})`].filter(Boolean).join(' ')
}

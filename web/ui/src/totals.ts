import type { Adjustment, Category, Line, Pricing, Tax, Totals } from './model'
import { type Money, minorUnits, ofMinor, percentOf, product, withoutPercent, compare } from './money'

// What an invoice comes to, computed as the server does it, so that the form shows it while it is typed. A test holds
// both against the same documents. What counts is what the server says.

export const categories: Category[] = ['S', 'Z', 'E', 'AE', 'G', 'O']

type Priced = Pick<Line, 'quantity' | 'unitPrice' | 'discount' | 'charge'>

const of = (a: Adjustment | undefined, base: bigint, currency: string): bigint =>
  a?.amount !== undefined ? minorUnits(a.amount, currency) : percentOf(base, a?.percent ?? '0')

/** What a line comes to; undefined while it cannot be told. */
export function lineNet({ quantity, unitPrice, discount, charge }: Priced, currency: string): Money | undefined {
  const base = product(quantity, unitPrice, currency)
  if (!base) return undefined
  const units = minorUnits(base.amount, currency)
  return ofMinor(units + of(charge, units, currency) - of(discount, units, currency), currency)
}

/** All of one category and rate, in minor units and in the prices of the invoice. */
interface Group {
  tax: Tax | undefined
  lines: bigint
  charges: bigint
  discounts: bigint
  left: bigint
}

const total = (groups: Group[], field: 'lines' | 'left') => groups.reduce((sum, g) => sum + g[field], 0n)

const sameTax = (a: Tax | undefined, b: Tax | undefined) => a?.category === b?.category && compare(a?.rate ?? '0', b?.rate ?? '0') === 0

function groupsOf(lines: Pick<Line, 'tax' | 'net'>[], currency: string): Group[] {
  const groups: Group[] = []
  for (const { tax, net } of lines) {
    let group = groups.find((g) => sameTax(g.tax, tax))
    if (!group) groups.push((group = { tax, lines: 0n, charges: 0n, discounts: 0n, left: 0n }))
    group.lines += minorUnits(net.amount, currency)
  }
  if (groups.length === 0) groups.push({ tax: undefined, lines: 0n, charges: 0n, discounts: 0n, left: 0n })
  for (const g of groups) g.left = g.lines
  const place = ({ tax }: Group) => (tax ? categories.indexOf(tax.category) : categories.length)
  return groups.sort((a, b) => place(a) - place(b) || compare(b.tax?.rate ?? '0', a.tax?.rate ?? '0'))
}

/** Splits by weights, so that nothing is lost: what rounding down leaves goes to the largest remainders. */
export function allocate(amount: bigint, weights: bigint[]): bigint[] {
  const sum = weights.reduce((a, b) => a + b, 0n)
  if (sum === 0n) return allocate(amount, weights.map(() => 1n))
  const parts = weights.map((w) => (amount * w) / sum)
  const remainders = weights.map((w, i) => ({ i, rest: (amount * w) % sum })).sort((a, b) => (a.rest < b.rest ? 1 : a.rest > b.rest ? -1 : a.i - b.i))
  const left = amount - parts.reduce((a, b) => a + b, 0n)
  for (const { i } of remainders.slice(0, Number(left))) parts[i] = (parts[i] ?? 0n) + 1n
  return parts
}

export interface Computed {
  totals: Totals
  payable: Money
  discounts: Money[] // what each comes to, in the prices of the invoice
  charges: Money[]
}

export function computeTotals(lines: Pick<Line, 'tax' | 'net'>[], pricing: Pricing, currency: string): Computed {
  const groups = groupsOf(lines, currency)
  const base = total(groups, 'lines')
  const charges = (pricing.charges ?? []).map((a) => {
    const amount = of(a, base, currency)
    allocate(amount, groups.map((g) => g.lines)).forEach((part, i) => move(groups[i], 'charges', part, part))
    return amount
  })
  const discounts = (pricing.discounts ?? []).map((a) => {
    const [asked, most] = [of(a, base, currency), total(groups, 'left')]
    const amount = asked < most ? asked : most
    allocate(amount, groups.map((g) => g.left)).forEach((part, i) => move(groups[i], 'discounts', part, -part))
    return amount
  })
  const money = (units: bigint) => ofMinor(units, currency)
  const { totals, payable } = addUp(groups, pricing.pricesIncludeTax ?? false, money)
  return { totals, payable, discounts: discounts.map(money), charges: charges.map(money) }
}

function move(group: Group | undefined, field: 'charges' | 'discounts', part: bigint, left: bigint): void {
  if (!group) return
  group[field] += part
  group.left += left
}

function addUp(groups: Group[], included: boolean, money: (units: bigint) => Money): { totals: Totals; payable: Money } {
  const sums = { net: 0n, discount: 0n, charge: 0n, tax: 0n }
  const taxes: NonNullable<Totals['taxes']> = []
  for (const { tax, left, discounts, charges } of groups) {
    const rate = tax?.rate ?? '0'
    const [taxable, less, more] = [left, discounts, charges].map((n) => (included ? withoutPercent(n, rate) : n)) as [bigint, bigint, bigint]
    const amount = percentOf(taxable, rate) // once for all lines of the rate
    sums.net += taxable
    sums.discount += less
    sums.charge += more
    sums.tax += amount
    if (tax) taxes.push({ ...tax, taxable: money(taxable), amount: money(amount) })
  }
  const { net, discount, charge, tax } = sums
  const gross = net + tax
  const rounding = included ? total(groups, 'left') - gross : 0n
  const totals: Totals = {
    lines: money(net + discount - charge), discount: money(discount), charge: money(charge), net: money(net),
    tax: money(tax), gross: money(gross), rounding: money(rounding), ...(taxes.length > 0 && { taxes }),
  }
  return { totals, payable: money(gross + rounding) }
}

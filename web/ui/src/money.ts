import { locale as own } from './language/language'
import { readDecimal } from './reading'

// Amounts are decimal strings on the wire and BigInt here. A JavaScript number cannot hold them exactly, so none is used.

export interface Money {
  amount: string
  currency: string
}

interface Decimal {
  units: bigint
  scale: number
}

const plain = /^-?\d+(\.\d+)?$/

function parse(text: string): Decimal | undefined {
  if (!plain.test(text)) return undefined
  const [whole = '', fraction = ''] = text.split('.')
  return { units: BigInt(whole + fraction), scale: fraction.length }
}

export function isPositive(decimal: string): boolean {
  const d = parse(decimal)
  return d !== undefined && d.units > 0n
}

export function isZero(decimal: string): boolean {
  return parse(decimal)?.units === 0n
}

// ISO 4217; all others have 2. Browsers go by CLDR, which has fewer decimals for some, such as IQD.
const decimals = new Map<string, number>()
const have = (digits: number, codes: string) => codes.split(' ').forEach((code) => decimals.set(code, digits))
have(0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF')
have(3, 'BHD IQD JOD KWD LYD OMR TND')
have(4, 'CLF UYW')

/** The number of decimals of a currency. */
export function minorDigits(currency: string): number {
  return decimals.get(currency) ?? 2
}

/** Whether the amount can be written in the currency: 1.005 EUR and 1.5 JPY cannot. */
export function fits(decimal: string, currency: string): boolean {
  const fraction = decimal.split('.')[1] ?? ''
  return fraction.length <= minorDigits(currency)
}

function rescale(d: Decimal, scale: number): bigint {
  if (scale >= d.scale) return d.units * 10n ** BigInt(scale - d.scale)
  const divisor = 10n ** BigInt(d.scale - scale)
  const magnitude = d.units < 0n ? -d.units : d.units
  const rounded = (magnitude * 2n + divisor) / (divisor * 2n) // half away from zero, as the server rounds
  return d.units < 0n ? -rounded : rounded
}

/** The amount in minor units; 0 for what is none. */
export function minorUnits(decimal: string, currency: string): bigint {
  return rescale(parse(decimal) ?? { units: 0n, scale: 0 }, minorDigits(currency))
}

/** So many minor units of a currency. */
export function ofMinor(minor: bigint, currency: string): Money {
  return { amount: write(minor, minorDigits(currency)), currency }
}

/** units × percent ÷ 100, rounded half away from zero. */
export function percentOf(units: bigint, percent: string): bigint {
  const { units: rate, scale } = parse(percent) ?? { units: 0n, scale: 0 }
  return rescale({ units: units * rate, scale: scale + 2 }, 0)
}

/** The amount to which percent was added to get units, rounded half away from zero; neither is negative. */
export function withoutPercent(units: bigint, percent: string): bigint {
  const { units: rate, scale } = parse(percent) ?? { units: 0n, scale: 0 }
  const hundred = 100n * 10n ** BigInt(scale)
  const whole = hundred + rate
  return (units * hundred * 2n + whole) / (whole * 2n)
}

function write(minor: bigint, digits: number): string {
  const sign = minor < 0n ? '-' : ''
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0')
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** quantity × price, rounded once to the minor unit; undefined while one of them is not a decimal. */
export function netPreview(quantity: string, unitPrice: string, currency: string): Money | undefined {
  return product(readDecimal(quantity) ?? '', readDecimal(unitPrice) ?? '', currency)
}

/** a × b, rounded once to the minor unit; undefined when one of them is not a decimal. */
export function product(a: string, b: string, currency: string): Money | undefined {
  const [x, y] = [parse(a), parse(b)]
  if (!x || !y) return undefined
  const digits = minorDigits(currency)
  return { amount: write(rescale({ units: x.units * y.units, scale: x.scale + y.scale }, digits), digits), currency }
}

/** The sum of amounts of one currency. */
export function sum(amounts: Money[], currency: string): Money {
  const digits = minorDigits(currency)
  let minor = 0n
  for (const { amount } of amounts) minor += rescale(parse(amount) ?? { units: 0n, scale: 0 }, digits)
  return { amount: write(minor, digits), currency }
}

/** a − b, of one currency. */
export function minus(a: Money, b: Money): Money {
  const digits = minorDigits(a.currency)
  const [x, y] = [a, b].map(({ amount }) => rescale(parse(amount) ?? { units: 0n, scale: 0 }, digits))
  return { amount: write((x ?? 0n) - (y ?? 0n), digits), currency: a.currency }
}

/** Compares two decimal strings: negative, zero or positive. */
export function compare(a: string, b: string): number {
  const x = parse(a)
  const y = parse(b)
  if (!x || !y) return Number.NaN
  const scale = Math.max(x.scale, y.scale)
  const [l, r] = [rescale(x, scale), rescale(y, scale)]
  return l < r ? -1 : l > r ? 1 : 0
}

/** How much of whole part is, in whole percent from 0 to 100, for a bar. */
export function percent(part: Money, whole: Money): number {
  const digits = minorDigits(whole.currency)
  const p = rescale(parse(part.amount) ?? { units: 0n, scale: 0 }, digits)
  const w = rescale(parse(whole.amount) ?? { units: 0n, scale: 0 }, digits)
  if (w <= 0n || p <= 0n) return 0
  return p >= w ? 100 : Number((p * 100n) / w)
}

/** The amount as people write it. Intl takes the decimal string as it is, with all of its decimals: no digit is lost. */
export function formatMoney({ amount, currency }: Money, locale?: string): string {
  if (!plain.test(amount) || !/^[A-Z]{3}$/.test(currency)) return `${amount} ${currency}`
  return format(amount, minorDigits(currency), { style: 'currency', currency }, locale)
}

/** A quantity or a unit price as people write it, with all of its decimals. */
export function formatDecimal(decimal: string, locale?: string): string {
  return plain.test(decimal) ? format(decimal, 0, {}, locale) : decimal
}

const formats = new Map<string, Intl.NumberFormat>() // making one takes longer than all else on a page

function format(decimal: string, least: number, options: Intl.NumberFormatOptions, locale: string | undefined): string {
  const digits = Math.max(least, decimal.split('.')[1]?.length ?? 0)
  const key = `${locale} ${options.currency} ${digits}`
  const exact = { ...options, minimumFractionDigits: digits, maximumFractionDigits: digits }
  const made = formats.get(key) ?? new Intl.NumberFormat(locale ?? own, exact)
  formats.set(key, made)
  return made.format(decimal as Intl.StringNumericLiteral)
}

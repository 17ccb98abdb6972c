import type { Adjustment, Category, Invoice, Pricing, Tax } from './model'
import { compare, formatDecimal, isPositive } from './money'
import { misread, readDecimal, typedForm } from './reading'
import { t } from './language/text'

// Tax, discounts and charges as they are typed, and as the wire has them.

/** A discount or a charge of the whole invoice as it is being typed. */
export interface AdjustmentDraft {
  key: string
  kind: 'discount' | 'charge'
  value: string
  reason: string
}

/** What a line that is being typed says of its price, besides the price. */
export interface LinePricing {
  category?: Category | ''
  rate?: string
  discount?: string
  discountReason?: string
  charge?: string
  chargeReason?: string
}

export const categoryNames: Record<Category | '', string> = {
  '': t('No tax'), S: t('Taxed'), Z: t('Zero-rated'), E: t('Exempt'), AE: t('Reverse charge'), G: t('Export'), O: t('Not subject to tax'),
}

/** The categories of which an invoice has to say why there is no tax. */
export const exempt: Category[] = ['E', 'AE', 'G', 'O']

/** The tax of a line in a few words. */
export function taxName({ category, rate }: Tax): string {
  return category === 'S' ? `${formatDecimal(rate ?? '')} %` : categoryNames[category]
}

/** “10 %” is a percentage, “10” an amount. */
function split(typed: string): { number: string; percent: boolean } {
  const text = typed.trim()
  return text.endsWith('%') ? { number: text.slice(0, -1).trim(), percent: true } : { number: text, percent: false }
}

/** What was typed as the wire has it; undefined when it is nothing. */
export function readAdjustment(typed = '', reason = ''): Adjustment | undefined {
  if (typed.trim() === '') return undefined
  const { number, percent } = split(typed)
  const value = readDecimal(number) ?? number
  return { ...(percent ? { percent: value } : { amount: value }), ...(reason.trim() !== '' && { reason: reason.trim() }) }
}

export function typedAdjustment(a: Adjustment | undefined): string {
  if (a?.percent !== undefined) return `${typedForm(a.percent)} %`
  return typedForm(a?.amount ?? '')
}

/** Why it cannot be taken as a discount or a charge; undefined when it can, or is nothing. */
export function adjustmentError(typed = ''): string | undefined {
  if (typed.trim() === '') return undefined
  const { number, percent } = split(typed)
  const value = readDecimal(number)
  if (value === undefined) return misread(number)
  if (!isPositive(value)) return 'Enter an amount or a percentage above zero.'
  return percent && compare(value, '100') > 0 ? t('Enter at most 100 %.') : undefined
}

export function rateError(typed = ''): string | undefined {
  const value = readDecimal(typed)
  if (value === undefined) return misread(typed)
  return isPositive(value) && compare(value, '100') <= 0 ? undefined : t('Enter a rate above 0, and at most 100.')
}

export function readTax({ category = '', rate = '' }: LinePricing): Tax | undefined {
  if (category === '') return undefined
  return category === 'S' ? { category, rate: readDecimal(rate) ?? rate } : { category }
}

export function readLinePricing(line: LinePricing) {
  const [discount, charge, tax] = [readAdjustment(line.discount, line.discountReason), readAdjustment(line.charge, line.chargeReason), readTax(line)]
  return { ...(discount && { discount }), ...(charge && { charge }), ...(tax && { tax }) }
}

export function typedLinePricing({ discount, charge, tax }: { discount?: Adjustment; charge?: Adjustment; tax?: Tax }): Required<LinePricing> {
  return {
    category: tax?.category ?? '', rate: typedForm(tax?.rate ?? ''),
    discount: typedAdjustment(discount), discountReason: discount?.reason ?? '', charge: typedAdjustment(charge), chargeReason: charge?.reason ?? '',
  }
}

/** What the form says of all lines together. Work that a page before it has kept says nothing of it. */
export interface PricingDraft {
  pricesIncludeTax?: boolean | undefined
  adjustments?: AdjustmentDraft[] | undefined
  exemptions?: Partial<Record<Category, string>> | undefined
}

export function typedPricing({ pricing = {} }: Pick<Invoice, 'pricing'>): PricingDraft {
  const typed = (kind: 'discount' | 'charge', list: Adjustment[] = []) =>
    list.map((a, i) => ({ key: `${kind}.${i}`, kind, value: typedAdjustment(a), reason: a.reason ?? '' }))
  return {
    pricesIncludeTax: pricing.pricesIncludeTax ?? false,
    adjustments: [...typed('discount', pricing.discounts), ...typed('charge', pricing.charges)],
    exemptions: Object.fromEntries((pricing.exemptions ?? []).map((e) => [e.category, e.reason])),
  }
}

/** The pricing as the wire has it; undefined for work that says nothing of it, which leaves that of the invoice. */
export function readPricing({ pricesIncludeTax, adjustments, exemptions }: PricingDraft): Pricing | undefined {
  if (!adjustments) return undefined
  const of = (kind: 'discount' | 'charge') => adjustments.filter((a) => a.kind === kind).flatMap((a) => readAdjustment(a.value, a.reason) ?? [])
  const [discounts, charges] = [of('discount'), of('charge')]
  const reasons = exempt.flatMap((category) => {
    const reason = exemptions?.[category]?.trim()
    return reason ? { category, reason } : []
  })
  return {
    ...(pricesIncludeTax && { pricesIncludeTax }), ...(discounts.length > 0 && { discounts }),
    ...(charges.length > 0 && { charges }), ...(reasons.length > 0 && { exemptions: reasons }),
  }
}

const sameNumber = (a = '', b = '') => a === b || compare(a, b) === 0

export function sameAdjustment(a: Adjustment | undefined, b: Adjustment | undefined): boolean {
  return sameNumber(a?.percent, b?.percent) && sameNumber(a?.amount, b?.amount) && (a?.reason ?? '') === (b?.reason ?? '')
}

export function sameTax(a: Tax | undefined, b: Tax | undefined): boolean {
  return a?.category === b?.category && sameNumber(a?.rate, b?.rate)
}

export function samePricing(a: Pricing = {}, b: Pricing = {}): boolean {
  const same = (x: Adjustment[] = [], y: Adjustment[] = []) => x.length === y.length && x.every((v, i) => sameAdjustment(v, y[i]))
  const reasons = ({ exemptions = [] }: Pricing) => JSON.stringify(exempt.map((c) => exemptions.find((e) => e.category === c)?.reason))
  return (a.pricesIncludeTax ?? false) === (b.pricesIncludeTax ?? false) && same(a.discounts, b.discounts) && same(a.charges, b.charges) && reasons(a) === reasons(b)
}

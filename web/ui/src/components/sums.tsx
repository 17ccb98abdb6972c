import type { Adjustment, Line, Pricing, Subtotal, Totals } from '../model'
import { type Money, formatDecimal, formatMoney, isZero, sum } from '../money'
import { categoryNames } from '../pricing'
import type { Computed } from '../totals'
import { Amount } from './amount'
import { t } from '../language/text'

interface Props {
  lines: Pick<Line, 'net'>[]
  pricing: Pricing
  totals: Totals
  computed: Pick<Computed, 'discounts' | 'charges'> // what each discount and charge comes to
}

/** How the total comes about: a row for each discount, charge and tax. It is part of a list of terms and amounts. */
export function Sums({ lines, pricing, totals, computed }: Props) {
  const { discounts = [], charges = [], pricesIncludeTax, exemptions = [] } = pricing
  const reason = (category: string) => exemptions.find((e) => e.category === category)?.reason
  const adjusted = discounts.length + charges.length > 0
  return (
    <>
      {(adjusted || pricesIncludeTax) && <Row label={pricesIncludeTax ? t('Lines, with tax') : t('Lines')} of={sum(lines.map((l) => l.net), totals.net.currency)} />}
      {charges.map((a, i) => (
        <Row key={`charge.${i}`} label={adjustmentName(t('Surcharge'), a)} of={computed.charges[i]} />
      ))}
      {discounts.map((a, i) => (
        <Row key={`discount.${i}`} label={adjustmentName(t('Discount'), a)} of={negative(computed.discounts[i])} />
      ))}
      <Row label={t('Net')} of={totals.net} />
      {(totals.taxes ?? []).map((s) => (
        <Row key={`${s.category} ${s.rate}`} label={s.category === 'S' ? taxed(s) : untaxed(categoryNames[s.category], s.taxable, reason(s.category))} of={s.amount} />
      ))}
      {!isZero(totals.rounding.amount) && <Row label={t('Rounding')} of={totals.rounding} />}
    </>
  )
}

function adjustmentName(what: string, { percent, reason }: Adjustment): string {
  return [what, percent !== undefined && `${formatDecimal(percent)} %`, reason && `(${reason})`].filter(Boolean).join(' ')
}

function taxed({ rate = '', taxable }: Subtotal): string {
  return t('Tax, {rate} % of {taxable}', { rate: formatDecimal(rate), taxable: formatMoney(taxable) })
}

function untaxed(name: string, taxable: Money, reason: string | undefined): string {
  return `${name}, ${formatMoney(taxable)}${reason ? ` (${reason})` : ''}`
}

function negative(of: Money | undefined): Money | undefined {
  return of && { ...of, amount: `-${of.amount}` }
}

function Row({ label, of }: { label: string; of: Money | undefined }) {
  return of ? (
    <>
      <dt className="muted">{label}</dt>
      <dd>
        <Amount of={of} />
      </dd>
    </>
  ) : null
}

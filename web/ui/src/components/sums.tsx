import type { Adjustment, Line, Pricing, Totals } from '../model'
import { type Money, formatDecimal, formatMoney, isZero, sum } from '../money'
import { categoryNames } from '../pricing'
import type { Computed } from '../totals'
import { Amount } from './amount'

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
      {(adjusted || pricesIncludeTax) && <Row label={pricesIncludeTax ? 'Lines, with tax' : 'Lines'} of={sum(lines.map((l) => l.net), totals.net.currency)} />}
      {charges.map((a, i) => (
        <Row key={`charge.${i}`} label={adjustmentName('Surcharge', a)} of={computed.charges[i]} />
      ))}
      {discounts.map((a, i) => (
        <Row key={`discount.${i}`} label={adjustmentName('Discount', a)} of={negative(computed.discounts[i])} />
      ))}
      <Row label="Net" of={totals.net} />
      {(totals.taxes ?? []).map((t) => (
        <Row key={`${t.category} ${t.rate}`} label={t.category === 'S' ? `Tax, ${formatDecimal(t.rate ?? '')} % of ${formatMoney(t.taxable)}` : untaxed(categoryNames[t.category], t.taxable, reason(t.category))} of={t.amount} />
      ))}
      {!isZero(totals.rounding.amount) && <Row label="Rounding" of={totals.rounding} />}
    </>
  )
}

function adjustmentName(what: string, { percent, reason }: Adjustment): string {
  return [what, percent !== undefined && `${formatDecimal(percent)} %`, reason && `(${reason})`].filter(Boolean).join(' ')
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

import type { Draft, LineDraft } from './edit'
import { isBlank } from './edit'
import type { Line } from './model'
import type { Money } from './money'
import { readLinePricing, readPricing } from './pricing'
import { readDecimal } from './reading'
import { type Computed, computeTotals, lineNet } from './totals'

/** What a line that is being typed comes to; undefined while that cannot be told. */
export function linePreview(line: LineDraft, currency: string): Money | undefined {
  return lineNet({ quantity: readDecimal(line.quantity) ?? '', unitPrice: readDecimal(line.unitPrice) ?? '', ...readLinePricing(line) }, currency)
}

export interface Preview extends Computed {
  lines: Pick<Line, 'tax' | 'net'>[]
}

/** What a draft comes to, of the lines that can be told. */
export function preview({ lines, currency, ...priced }: Pick<Draft, 'lines' | 'currency' | 'pricesIncludeTax' | 'adjustments' | 'exemptions'>): Preview {
  const told = lines.flatMap((line) => {
    const net = isBlank(line) ? undefined : linePreview(line, currency)
    return net ? [{ ...readLinePricing(line), net }] : []
  })
  return { lines: told, ...computeTotals(told, readPricing(priced) ?? {}, currency) }
}

import documentsOfTheServer from '../../../invoices/totals/testdata/documents.json'
import { expect, test } from 'vitest'
import type { Line, Pricing, Totals } from './model'
import { allocate, computeTotals, lineNet } from './totals'

interface Document extends Pricing {
  currency: string
  lines: Line[]
  totals: Totals
}

const documents = documentsOfTheServer as unknown as Document[]

test('the page and the server come to the same totals', () => {
  expect(documents.length).toBeGreaterThan(50)
  for (const { currency, lines, totals, ...pricing } of documents) {
    for (const line of lines) expect(lineNet(line, currency)).toEqual(line.net)
    expect(computeTotals(lines, pricing, currency).totals).toEqual(totals)
  }
})

test('an allocation loses nothing, and a tie goes to the first', () => {
  expect(allocate(10n, [1n, 1n, 1n])).toEqual([4n, 3n, 3n])
  expect(allocate(2n, [0n, 0n])).toEqual([1n, 1n])
})

test('what comes off is shown as much as there is', () => {
  const net = { amount: '3.00', currency: 'EUR' }
  const { discounts, payable } = computeTotals([{ net }], { discounts: [{ amount: '2' }, { amount: '5.00' }] }, 'EUR')
  expect(discounts.map((d) => d.amount)).toEqual(['2.00', '1.00'])
  expect(payable.amount).toBe('0.00')
})

import { expect, test } from 'vitest'
import { tellAll } from './changes'
import type { Change, Line } from './model'

const eur = (amount: string) => ({ amount, currency: 'EUR' })
const line: Line = { id: '3', description: 'Hosting', quantity: '2', unitPrice: '50', net: eur('100.00') }

test.each<[string, Change, string]>([
  ['a name', { path: '/customer/name', kind: 'changed', before: 'Acme', after: 'Acme AG' }, 'Customer: Acme → Acme AG'],
  ['a day', { path: '/dueDate', kind: 'changed', before: '2026-11-21', after: '2026-12-01' }, 'Due: Nov 21, 2026 → Dec 1, 2026'],
  ['a state', { path: '/status', kind: 'changed', before: 'draft', after: 'partially_paid' }, 'Status: Draft → Partially paid'],
  ['an amount', { path: '/total', kind: 'changed', before: eur('25.00'), after: eur('1030.00') }, 'Total: €25.00 → €1,030.00'],
  ['a line that came', { path: '/lines/3', kind: 'added', after: line }, 'Line “Hosting”:  → 2 × 50'],
  ['a line that went', { path: '/lines/9', kind: 'removed', before: { ...line, id: '9', description: 'Travel' } }, 'Line “Travel”: 2 × 50 → '],
  ['a field of a line', { path: '/lines/3/quantity', kind: 'changed', before: '1', after: '2' }, 'Line “Hosting”: Quantity: 1 → 2'],
  ['a tax', { path: '/lines/3/tax', kind: 'added', after: { category: 'S', rate: '19' } }, 'Line “Hosting”: Tax:  → 19 %'],
  ['an order', { path: '/lines', kind: 'changed', before: ['3', '4'], after: ['4', '3'] }, 'Order of the lines: Hosting, 4 → 4, Hosting'],
  ['a payment', { path: '/payments/1', kind: 'added', after: { id: '1', amount: eur('5.00'), date: '2026-12-01' } }, 'Payment 1:  → €5.00, Dec 1, 2026'],
  ['discounts', { path: '/pricing/discounts', kind: 'added', after: [{ percent: '10', reason: 'loyal' }, { amount: '5.5' }] }, 'Discount:  → 10 % (loyal), 5.5'],
  ['a switch', { path: '/pricing/pricesIncludeTax', kind: 'added', after: true }, 'Prices include tax:  → yes'],
  ['what this page does not know', { path: '/of/tomorrow', kind: 'changed', before: 1, after: { a: 'x' } }, '/of/tomorrow: 1 → x'],
])('%s', (_, change, want) => expect(tellAll([change], { lines: [line] }).map((told) => `${told.what}: ${told.before} → ${told.after}`)).toEqual([want]))

test('what the product keeps for itself is not told', () => {
  const inside = ['/lastLine', '/series', '/totals', '/totals/gross', '/totals/taxes']
  expect(tellAll(inside.map((path) => ({ path, kind: 'changed', before: 1, after: 2 })), { lines: [] })).toEqual([])
})

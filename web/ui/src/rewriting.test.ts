import { expect, test } from 'vitest'
import { readDecimal } from './reading'
import { rewritten } from './rewriting'

test.each([
  ['1.250,50', 'de-DE', 'en-US', '1250.50'],
  ['1,5', 'de-DE', 'en-US', '1.5'],
  ['1.5', 'en-US', 'de-DE', '1,5'],
  ['10,5 %', 'de-DE', 'en-US', '10.5 %'],
  ['12', 'de-DE', 'en-US', '12'],
  ['', 'de-DE', 'en-US', ''],
])('%s of %s is in %s: %s', (typed, from, to, want) => {
  expect(rewritten({ lines: [{ quantity: typed }] }, from, to)).toEqual({ lines: [{ quantity: want }] })
})

test.each(['1.250', 'about 5', '1.2.3'])('%s, which cannot be told, is no number in any language', (typed) => {
  const { amount } = rewritten({ amount: typed }, 'de-DE', 'en-US')
  expect(amount).toBe(`${typed}?`)
  expect([readDecimal(amount, 'en-US'), readDecimal(amount, 'de-DE')]).toEqual([undefined, undefined])
  expect(rewritten({ amount }, 'en-US', 'de-DE')).toEqual({ amount })
})

test('words and what the server said stay as they are', () => {
  const typed = { draft: { customer: { name: '1,5' }, lines: [{ description: '1,5', quantity: '1,5' }] }, base: { lines: [{ quantity: '1.250' }] } }
  const to = { draft: { customer: { name: '1,5' }, lines: [{ description: '1,5', quantity: '1.5' }] }, base: { lines: [{ quantity: '1.250' }] } }
  expect(rewritten(typed, 'de-DE', 'en-US')).toEqual(to)
})

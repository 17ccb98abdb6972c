import { expect, test } from 'vitest'
import { nextSort } from './sorting'

test('a column is sorted as people mostly want it, then the other way round, then not at all', () => {
  expect([nextSort('customer', ''), nextSort('customer', 'customer'), nextSort('customer', '-customer')]).toEqual(['customer', '-customer', ''])
  expect([nextSort('total', '-due'), nextSort('total', '-total'), nextSort('total', 'total')]).toEqual(['-total', 'total', ''])
})

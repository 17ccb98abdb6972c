import { expect, test } from 'vitest'
import { backoff } from './backoff'

test('doubles its limit up to the cap', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 20].map((attempt) => backoff(attempt, () => 0.9999999))
  expect(longest).toEqual([499, 999, 1999, 3999, 7999, 14999, 14999, 14999])
})

test('uses the whole range', () => {
  expect(backoff(3, () => 0)).toBe(0)
})

import { describe, expect, test } from 'vitest'
import { compare, fits, formatDecimal, formatMoney, minorDigits, netPreview, percent, sum } from './money'

describe('formatMoney', () => {
  test.each([
    ['9007199254740993.99', 'EUR', '€9,007,199,254,740,993.99'], // 2^53 + 1: a number would end in 992 or 994
    ['0.10', 'USD', '$0.10'],
    ['10', 'USD', '$10.00'],
    ['1234', 'JPY', '¥1,234'],
    ['1.234', 'IQD', 'IQD 1.234'],
    ['-5.00', 'EUR', '-€5.00'],
  ])('shows %s %s as %s', (amount, currency, want) =>
    expect(formatMoney({ amount, currency }, 'en-US').replaceAll('\u00a0', ' ')).toBe(want),
  )

  test('shows what it cannot read as it is', () => {
    expect(formatMoney({ amount: 'NaN', currency: 'EUR' })).toBe('NaN EUR')
    expect(formatMoney({ amount: '1', currency: '?' })).toBe('1 ?')
  })
})

test('formatDecimal keeps every decimal', () => {
  expect(formatDecimal('8640', 'en-US')).toBe('8,640')
  expect(formatDecimal('12.3450', 'en-US')).toBe('12.3450')
})

describe('netPreview', () => {
  test.each([
    ['2', '12.345', 'EUR', '24.69'],
    ['1', '0.005', 'EUR', '0.01'], // half away from zero
    ['1', '0.0049', 'EUR', '0.00'],
    ['-1', '0.005', 'EUR', '-0.01'],
    ['3', '0.1', 'USD', '0.30'], // 0.30000000000000004 as a number
    ['1.5', '333', 'JPY', '500'],
    ['1', '1.2345', 'KWD', '1.235'],
    ['99999999999999999999', '0.01', 'EUR', '999999999999999999.99'],
  ])('%s × %s %s = %s', (quantity, price, currency, amount) =>
    expect(netPreview(quantity, price, currency)).toEqual({ amount, currency }),
  )

  test('waits for both factors', () => {
    expect(netPreview('', '1', 'EUR')).toBeUndefined()
    expect(netPreview('1', 'x', 'EUR')).toBeUndefined()
  })
})

test('sum is exact', () => {
  const tenths = Array.from({ length: 10 }, () => ({ amount: '0.10', currency: 'EUR' }))
  expect(sum(tenths, 'EUR')).toEqual({ amount: '1.00', currency: 'EUR' })
  expect(sum([], 'JPY')).toEqual({ amount: '0', currency: 'JPY' })
})

test('decimals are those of ISO 4217', () => {
  expect(['EUR', 'JPY', 'KWD', 'CLF', 'IQD'].map(minorDigits)).toEqual([2, 0, 3, 4, 3])
  expect(fits('1.005', 'EUR')).toBe(false)
  expect(fits('1.5', 'JPY')).toBe(false)
  expect(fits('1.505', 'KWD')).toBe(true)
})

test('compare goes by value, not by spelling', () => {
  expect(compare('1.50', '1.5')).toBe(0)
  expect(compare('2', '10')).toBeLessThan(0)
  expect(compare('0.3', '0.25')).toBeGreaterThan(0)
})

test('percent stays between 0 and 100', () => {
  const eur = (amount: string) => ({ amount, currency: 'EUR' })
  expect(percent(eur('1.00'), eur('3.00'))).toBe(33)
  expect(percent(eur('0.00'), eur('0.00'))).toBe(0)
  expect(percent(eur('5.00'), eur('3.00'))).toBe(100)
})

import { expect, test } from 'vitest'
import { addDays, daysBetween, isDay, today, utcToday } from './dates'

test('counts days over the change to summer time and over leap days', () => {
  expect(addDays('2026-03-28', 2)).toBe('2026-03-30')
  expect(addDays('2028-02-28', 1)).toBe('2028-02-29')
  expect(daysBetween('2026-10-24', '2026-10-26')).toBe(2)
})

test('knows days that do not exist', () => {
  expect(isDay('2026-02-28')).toBe(true)
  expect(isDay('2026-02-30')).toBe(false)
  expect(isDay('2026-2-3')).toBe(false)
  expect(isDay('')).toBe(false)
})

test('today is the local day, what is overdue goes by UTC', () => {
  expect(today(new Date(2026, 0, 5, 23, 59))).toBe('2026-01-05')
  expect(utcToday(new Date('2026-01-05T23:59:00Z'))).toBe('2026-01-05')
})

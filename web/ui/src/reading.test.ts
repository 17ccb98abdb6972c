import { describe, expect, test } from 'vitest'
import { choices, misread, read, readDecimal, typedForm } from './reading'

describe('one meaning', () => {
  test.each([
    // what every locale reads in the same way
    ['en-US', '12.50', '12.50'],
    ['en-US', '0.10', '0.10'],
    ['en-US', '007', '7'],
    ['en-US', '.5', '0.5'],
    ['en-US', '-3', '-3'],
    ['en-US', '\u22123', '-3'],
    ['en-US', ' 12 ', '12'],
    // the locale's own decimal mark, whatever follows it
    ['en-US', '1.250', '1.250'],
    ['en-US', '33.335', '33.335'],
    ['en-US', '1250.125', '1250.125'],
    ['de-DE', '1250,5', '1250.5'],
    ['de-DE', '1,250', '1.250'],
    ['de-DE', '0,085', '0.085'],
    ['de-DE', ',5', '0.5'],
    ['fr-FR', '33,335', '33.335'],
    ['de-CH', '33.335', '33.335'],
    // grouped, with a decimal mark that shows which mark groups
    ['en-US', '1,250.00', '1250.00'],
    ['de-DE', '1.250,00', '1250.00'],
    ['de-DE', '1,250.00', '1250.00'],
    ['en-US', '1.250,50', '1250.50'],
    ['en-US', '1,234,567', '1234567'],
    ['de-DE', '1.234.567', '1234567'],
    ['fr-FR', '1\u202f250,50', '1250.50'],
    ['fr-FR', '1 250,50', '1250.50'],
    ['fr-FR', '1\u00a0250', '1250'],
    ['de-CH', '1’250.50', '1250.50'],
    ['de-CH', "1'250", '1250'],
    ['de-CH', "1'250'000.05", '1250000.05'],
    ['en-IN', '1,25,000', '125000'],
    ['en-IN', '12,34,567.89', '1234567.89'],
    ['hi-IN', '1,00,00,000', '10000000'],
    ['ar-EG', '١٬٢٥٠٫٥', '1250.5'],
    ['ar-EG', '١٢٫٥', '12.5'],
    ['fa-IR', '۱٬۲۵۰', '1250'],
    // the other mark, where it cannot group
    ['de-DE', '12.50', '12.50'],
    ['de-DE', '1250.125', '1250.125'],
    ['de-DE', '0.125', '0.125'],
    ['en-US', '12,5', '12.5'],
    ['en-US', '0,50', '0.50'],
    ['en-US', '0,125', '0.125'],
  ])('%s: %s is %s', (locale, typed, value) => expect(read(typed, locale)).toEqual({ kind: 'exact', value }))
})

describe('two meanings are never guessed', () => {
  test.each([
    ['de-DE', '1.250', ['1250', '1,250']],
    ['de-DE', '12.345', ['12345', '12,345']],
    ['de-DE', '-1.250', ['-1250', '-1,250']],
    ['en-US', '1,250', ['1250', '1.250']],
    ['en-IN', '1,250', ['1250', '1.250']],
    ['fr-FR', '1.250', ['1250', '1,250']],
    ['de-CH', '1,250', ['1250', '1.250']],
    ['pt-BR', '999.999', ['999999', '999,999']],
  ])('%s: %s', (locale, typed, offered) => {
    expect(read(typed, locale).kind).toBe('unclear')
    expect(readDecimal(typed, locale)).toBeUndefined()
    expect(choices(typed, locale)).toEqual(offered)
    expect(misread(typed, locale)).toContain('two ways')
    for (const choice of offered) expect(read(choice, locale).kind).toBe('exact') // a choice never asks again
  })
})

describe('no number', () => {
  test.each(['', ' ', 'abc', '1e3', '1.', '1,', '--1', '1.2.3', '€5', '+1', '1 25', '1,23,45', '1,2,3', "12'34", '1.234.56', '1,250 000', '0x1'])(
    'refuses %s',
    (typed) => {
      for (const locale of ['en-US', 'de-DE', 'fr-FR', 'de-CH', 'en-IN']) expect(read(typed, locale)).toEqual({ kind: 'wrong' })
    },
  )

  test('says what would be one', () => {
    expect(misread('x', 'de-DE')).toBe('Enter a number such as 1250,50.')
    expect(misread('x', 'en-US')).toBe('Enter a number such as 1250.50.')
    expect(misread('1250,50', 'de-DE')).toBeUndefined()
  })
})

test('what the page writes into a field is read back as it was, in every locale', () => {
  for (const locale of ['en-US', 'en-IN', 'de-DE', 'de-CH', 'de-AT', 'fr-FR', 'fr-CH', 'es-ES', 'pt-PT', 'pl-PL', 'sv-SE', 'ar-EG', 'fa-IR', 'ja-JP', 'he-IL']) {
    for (const value of ['0.5', '1.250', '1250.50', '999999999999.999999', '12', '-3.005']) {
      expect(readDecimal(typedForm(value, locale), locale), `${locale} ${value}`).toBe(value)
      expect(readDecimal(new Intl.NumberFormat(locale, { minimumFractionDigits: 2 }).format(1234567.5), locale)).toBe('1234567.50')
    }
  }
})

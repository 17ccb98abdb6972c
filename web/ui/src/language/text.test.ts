import { expect, test } from 'vitest'
import { german } from './german'
import { t } from './text'

const texts = Object.entries(german)
const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).toSorted()

test('holes are filled, and what tells words apart is not shown', () => {
  expect(t('{n} of {invoices}', { n: 50, invoices: '{n} invoices' }, 'en')).toBe('50 of {n} invoices')
  expect(t('{n} of {invoices}', { n: 50, invoices: '51 Rechnungen' }, 'de')).toBe('50 von 51 Rechnungen')
  expect([t('Void|do', {}, 'en'), t('Void', {}, 'en'), t('Void|do', {}, 'de'), t('Void', {}, 'de')]).toEqual(['Void', 'Void', 'Stornieren', 'Storniert'])
})

test('a sentence has the same holes in both languages', () => {
  expect(texts.filter(([en, de]) => holes(en).join() !== holes(de).join())).toEqual([])
})

test('a sentence begins, ends and is spaced as its translation', () => {
  const shape = (text: string) => [/^\s/.test(text), /[.!?:…]$/.exec(text)?.[0]]
  expect(texts.filter(([en, de]) => String(shape(en)) !== String(shape(de)))).toEqual([])
})

const files = import.meta.glob<string>(['../**/*.{ts,tsx}', '!../**/*.test.ts', '!./german.ts'], { query: '?raw', import: 'default', eager: true })
const sources = Object.values(files).join('')

test('no sentence is left over', () => {
  expect(texts.filter(([en]) => !sources.includes(`'${en}'`))).toEqual([])
})

test('the page says nothing past the catalogue', () => {
  const words = [...sources.matchAll(/(?:aria-label|title|placeholder|label|alt)="([^"{]*[A-Za-z]{3}[^"]*)"|^\s*([A-Z][a-z]+(?: [a-z’]+)+[.…]?)$|<(?:p|h2|th|dt|span|strong)(?: [^<>]*)?>([^<{]*[A-Za-z]{3}[^<{]*)</gm)]
  expect(words.map(([all]) => all)).toEqual(['<span>Eventim<'])
})

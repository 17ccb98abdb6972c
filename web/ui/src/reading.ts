import { locale as own } from './language/language'
import { t } from './language/text'

// Reads numbers as people write them. What can be read in two ways is never guessed.

export type Reading =
  | { kind: 'exact'; value: string }
  | { kind: 'unclear'; readings: string[] } // each is a decimal string; the smaller one last
  | { kind: 'wrong' }

interface Marks {
  decimal: string
  digits: string // of this locale, from 0 to 9
}

const known = new Map<string, Marks>()

function marksOf(locale: string | undefined = own): Marks {
  const key = locale ?? ''
  const found = known.get(key) ?? readMarks(locale)
  known.set(key, found)
  return found
}

function readMarks(locale: string | undefined): Marks {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5)
  const digits = new Intl.NumberFormat(locale, { useGrouping: false }).format(9_876_543_210)
  return { decimal: parts.find((p) => p.type === 'decimal')?.value ?? '.', digits: Array.from(digits).reverse().join('') }
}

/** The same number in ASCII: digits of the locale, and all spaces, apostrophes and minus signs as one of each. */
function normalised(typed: string, digits: string): string {
  return Array.from(typed.trim())
    .map((c) => (digits.includes(c) ? String(digits.indexOf(c)) : c))
    .join('')
    .replace(/[\s\u00a0\u2009\u202f]/g, ' ')
    .replace(/[’ʼ′]/g, "'")
    .replace(/^[\u2212\u2013]/, '-')
    .replace(/٫/g, '!') // the Arabic marks have one meaning only
    .replace(/٬/g, "'")
}

// Groups of three, or of two with three at the end as in India. What begins with 0 is not grouped.
const thousands = /^[1-9]\d{0,2}(G\d{3})+$/
const lakhs = /^[1-9]\d?(G\d{2})*G\d{3}$/

function ungrouped(whole: string): string[] {
  if (/^\d+$/.test(whole)) return [whole]
  const mark = /[., ']/.exec(whole)?.[0]
  if (!mark) return []
  const groups = whole.replaceAll(mark, 'G')
  return thousands.test(groups) || lakhs.test(groups) ? [groups.replaceAll('G', '')] : []
}

/** What the text says when point is the decimal mark, or when it has none. */
function under(point: string | undefined, text: string): string[] {
  if (point === undefined) return ungrouped(text)
  const [whole = '', fraction = '', ...more] = text.split(point)
  if (more.length > 0 || !/^\d+$/.test(fraction)) return []
  return ungrouped(whole || '0').map((w) => `${w}.${fraction}`)
}

/**
 * Reads what a person typed as the decimal string for the wire. The decimal mark of the locale is always taken for one.
 * Every other mark between digits may as well group them: "1.250" in German and "1,250" in English are unclear, while
 * "1.250,00", "1,250.00", "1'250", "1,25,000" and "1250.5" can be read in one way only.
 */
export function read(typed: string, locale?: string): Reading {
  const { decimal, digits } = marksOf(locale)
  const signed = normalised(typed, digits)
  const sign = signed.startsWith('-') ? '-' : ''
  const text = signed.slice(sign.length)
  const own = decimal === '٫' ? '!' : decimal
  const mine = under(own, text)
  const readings = mine.length > 0 ? mine : [undefined, '.', ',', '!'].flatMap((point) => under(point, text))
  const values = [...new Set(readings)].map((v) => sign + v.replace(/^0+(?=\d)/, ''))
  const [value] = values
  if (value === undefined) return { kind: 'wrong' }
  return values.length === 1 ? { kind: 'exact', value } : { kind: 'unclear', readings: values }
}

/** What was typed as a decimal string; undefined when it is none or unclear. */
export function readDecimal(typed: string, locale?: string): string | undefined {
  const reading = read(typed, locale)
  return reading.kind === 'exact' ? reading.value : undefined
}

/** A decimal string as a person would type it: with the decimal mark of the locale and nothing else, so never unclear. */
export function typedForm(decimal: string, locale?: string): string {
  return decimal.replace('.', marksOf(locale).decimal)
}

/** What to choose from when the text is unclear, each as typedForm writes it. */
export function choices(typed: string, locale?: string): string[] {
  const reading = read(typed, locale)
  return reading.kind === 'unclear' ? reading.readings.map((r) => typedForm(r, locale)) : []
}

/** Why the text cannot be taken as a number, and what would be taken; undefined when it can. */
export function misread(typed: string, locale?: string): string | undefined {
  const reading = read(typed, locale)
  if (reading.kind === 'exact') return undefined
  if (reading.kind === 'wrong') return t('Enter a number such as {number}.', { number: typedForm('1250.50', locale) })
  return t('“{typed}” can be read in two ways. Which one do you mean?', { typed: typed.trim() })
}

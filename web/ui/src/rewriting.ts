import { locale } from './language/language'
import { read, typedForm } from './reading'

// Where numbers are typed in what forms keep. A base is an invoice as the server has it: its numbers are in no language.
const numbers = new Set(['quantity', 'unitPrice', 'rate', 'discount', 'charge', 'value', 'amount'])
const untyped = new Set(['base'])

/**
 * What was typed in one language as it is typed in another: "1.250,50" in German is "1250.50" in English. A number that
 * cannot be told gets a question mark, which no language reads: it might be another number here, and nobody would notice.
 */
export function rewritten<T>(typed: T, from: string, to: string | undefined = locale): T {
  return rewrite('', typed, from, to) as T
}

function rewrite(key: string, value: unknown, from: string, to: string | undefined): unknown {
  if (typeof value === 'string') return numbers.has(key) ? numberIn(value, from, to) : value
  if (Array.isArray(value)) return value.map((v) => rewrite(key, v, from, to))
  if (typeof value !== 'object' || value === null || untyped.has(key)) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, rewrite(k, v, from, to)]))
}

function numberIn(text: string, from: string, to: string | undefined): string {
  if (text.trim() === '' || text.endsWith('?')) return text
  const percent = text.trim().endsWith('%')
  const reading = read(percent ? text.trim().slice(0, -1) : text, from)
  if (reading.kind !== 'exact') return `${text}?`
  return `${typedForm(reading.value, to)}${percent ? ' %' : ''}`
}

import { formatDay } from './dates'
import { type Draft, type LineDraft, adopt, draftOf, isBlank } from './edit'
import type { Column } from './editing'
import { uuidv7 } from './ids'
import type { Category, Invoice } from './model'
import { compare } from './money'
import { type PricingDraft, categoryNames, exempt, readAdjustment, sameAdjustment } from './pricing'
import { readDecimal } from './reading'
import { t } from './language/text'

export type Side = 'theirs' | 'yours'

/** A field that somebody has changed: what it was, what others made of it, and what the person here did. */
export interface Difference {
  key: string
  label: string
  was: string // as people read it; "" when it was not there
  theirs: string
  yours: string
  side: Side // of which it is taken if nobody chooses: theirs only where the person here changed nothing
  clash: boolean // both sides changed it, to different values
}

type Choices = Record<string, Side>

/** Everything that stands differently in theirs or yours than in base, which both began with. */
export function differences(base: Invoice, theirs: Invoice, draft: Draft): Difference[] {
  const [was, now, yours] = [draftOf(base), draftOf(theirs), adopted(theirs, draft)]
  return [...detailDifferences(was, now, yours), ...lineDifferences(was, now, yours)]
}

/** The draft that takes each difference from the chosen side, to be applied to theirs. */
export function merge(base: Invoice, theirs: Invoice, draft: Draft, choices: Choices): Draft {
  const yours = adopted(theirs, draft)
  const now = draftOf(theirs)
  const sides = new Map(differences(base, theirs, draft).map((d) => [d.key, choices[d.key] ?? d.side]))
  const pick = (key: string) => (sides.get(key) === 'yours' ? yours : now)
  const { name, email, address } = { name: pick('name').customer.name, email: pick('email').customer.email, address: pick('address').customer.address }
  const customer = { name, email, address }
  const dates = { issueDate: pick('issueDate').issueDate, dueDate: pick('dueDate').dueDate }
  return { ...now, customer, ...dates, ...mergedPricing(now, pick), lines: mergedLines(now, yours, sides) }
}

function mergedPricing(now: Draft, pick: (key: string) => Draft): PricingDraft {
  const reasons = exempt.map((category) => [category, pick(`exemption.${category}`).exemptions?.[category] ?? ''])
  return {
    pricesIncludeTax: pick('pricesIncludeTax').pricesIncludeTax ?? false,
    adjustments: pick('adjustments').adjustments ?? now.adjustments ?? [],
    exemptions: Object.fromEntries(reasons.filter(([, reason]) => reason !== '')) as Partial<Record<Category, string>>,
  }
}

function adopted(theirs: Invoice, draft: Draft): Draft {
  const { pricesIncludeTax, adjustments, exemptions } = draftOf(theirs) // for work that says nothing of them
  return { pricesIncludeTax, adjustments, exemptions, ...draft, lines: adopt(theirs, draft.lines) }
}

type Same = (a: string, b: string) => boolean
const equal: Same = (a, b) => a.trim() === b.trim()
const equalAdjustment: Same = (a, b) => equal(a, b) || sameAdjustment(readAdjustment(a), readAdjustment(b))
const equalNumber: Same = (a, b) => equal(a, b) || compare(readDecimal(a) ?? '', readDecimal(b) ?? '') === 0

function difference(key: string, label: string, [was, theirs, yours]: [string, string, string], same: Same = equal): Difference[] {
  const [byThem, byYou] = [!same(was, theirs), !same(was, yours)]
  if (!byThem && !byYou) return []
  return [{ key, label, was, theirs, yours, side: byYou ? 'yours' : 'theirs', clash: byThem && byYou && !same(theirs, yours) }]
}

function detailDifferences(...[was, now, yours]: [Draft, Draft, Draft]): Difference[] {
  const of = (key: string, label: string, get: (d: Draft) => string) => difference(key, label, [get(was), get(now), get(yours)])
  return [
    ...of('name', t('Name'), (d) => d.customer.name),
    ...of('email', t('E-mail'), (d) => d.customer.email),
    ...of('address', t('Address'), (d) => d.customer.address),
    ...of('issueDate', t('Date of the invoice'), (d) => formatDay(d.issueDate)),
    ...of('dueDate', t('Due date'), (d) => formatDay(d.dueDate)),
    ...of('pricesIncludeTax', t('Prices'), (d) => (d.pricesIncludeTax ? t('with tax') : t('without tax'))),
    ...of('adjustments', t('Discounts and surcharges'), adjustmentsOf),
    ...exempt.flatMap((c) => of(`exemption.${c}`, t('Reason for “{what}”', { what: categoryNames[c] }), (d) => d.exemptions?.[c] ?? '')),
  ]
}

function adjustmentsOf({ adjustments = [] }: Draft): string {
  const written = adjustments.filter((a) => a.value.trim() !== '')
  return written.map(({ kind, value, reason }) => `${kind === 'discount' ? '−' : '+'} ${value.trim()}${reason.trim() && `, ${reason.trim()}`}`).join('\n')
}

const columns: [Column, string, Same][] = [
  ['description', t('description'), equal],
  ['quantity', t('quantity'), equalNumber],
  ['unitPrice', t('unit price'), equalNumber],
  ['category', t('tax'), equal],
  ['rate', t('tax rate'), equalNumber],
  ['discount', t('discount'), equalAdjustment],
  ['discountReason', t('reason of the discount'), equal],
  ['charge', t('surcharge'), equalAdjustment],
  ['chargeReason', t('reason of the surcharge'), equal],
]

const lineKey = (line: LineDraft) => `line.${line.id ?? line.key}`
const whole = (line: LineDraft | undefined, absent: string) => (line ? `${line.description}: ${line.quantity} × ${line.unitPrice}` : absent)

function lineDifferences(was: Draft, now: Draft, yours: Draft): Difference[] {
  const all = new Map([...was.lines, ...now.lines, ...yours.lines].filter((l) => !isBlank(l)).map((l) => [lineKey(l), l]))
  const find = (draft: Draft, key: string) => draft.lines.find((l) => lineKey(l) === key)
  return [...all].flatMap(([key, any]) => {
    const [a, b, c] = [find(was, key), find(now, key), find(yours, key)]
    const label = a ? t('Line “{what}”', { what: a.description }) : t('New line “{what}”', { what: any.description })
    if (a && b && c) return columns.flatMap(([column, name, same]) => columnDifference(key, column, `${label}, ${name}`, same, [a, b, c]))
    if (b && c) return [] // both added the same
    const absent = a ? t('removed') : t('not there')
    return difference(key, label, [whole(a, absent), whole(b, absent), whole(c, absent)])
  })
}

function columnDifference(key: string, column: Column, label: string, same: Same, [a, b, c]: [LineDraft, LineDraft, LineDraft]): Difference[] {
  const read = column === 'category' ? (l: LineDraft) => categoryNames[l.category ?? ''] : (l: LineDraft) => l[column] ?? ''
  return difference(`${key}.${column}`, label, [read(a), read(b), read(c)], same)
}

function mergedLines(now: Draft, yours: Draft, sides: Map<string, Side>): LineDraft[] {
  const mine = yours.lines.flatMap((line) => {
    if (isBlank(line)) return []
    const their = now.lines.find((l) => l.id === line.id)
    if (their) return [mergedLine(their, line, sides)]
    // A line that they removed, or that is new here: as a new one, since its id is not there any more.
    return sides.get(lineKey(line)) === 'theirs' ? [] : [{ ...withoutId(line), key: uuidv7() }]
  })
  const others = now.lines.filter((l) => !yours.lines.some((y) => y.id === l.id) && sides.get(lineKey(l)) !== 'yours')
  return [...mine, ...others]
}

function withoutId({ id: _, ...line }: LineDraft): LineDraft {
  return line
}

function mergedLine(their: LineDraft, mine: LineDraft, sides: Map<string, Side>): LineDraft {
  const line = { ...their, key: mine.key }
  const mineOf = columns.filter(([column]) => sides.get(`${lineKey(their)}.${column}`) === 'yours')
  return Object.assign(line, Object.fromEntries(mineOf.map(([column]) => [column, mine[column] ?? ''])))
}

/** How a value that is not there reads. */
export function shown(value: string): string {
  return value === '' ? '–' : value
}


import { describe, expect, test } from 'vitest'
import { type Draft, draftOf, revision } from './edit'
import { differences, merge } from './merge'
import type { Invoice, Line } from './model'

const eur = (amount: string) => ({ amount, currency: 'EUR' })
const line = (id: string, description: string, quantity = '1', unitPrice = '10'): Line => ({ id, description, quantity, unitPrice, net: eur('0.00') })

const base: Invoice = {
  customer: { name: 'Acme', email: 'a@b.c', address: '' }, currency: 'EUR', issueDate: '2026-01-01', dueDate: '2026-01-31',
  status: 'draft', lines: [line('1', 'Work'), line('2', 'Travel'), line('3', 'Food')], payments: [],
  total: eur('30.00'), paid: eur('0.00'), balance: eur('30.00'),
}
const change = <T extends object>(lines: T[], i: number, to: Partial<T>) => Object.assign(lines[i] ?? {}, to)
const others = (edit: (i: Invoice) => void) => {
  const invoice = structuredClone(base)
  edit(invoice)
  return invoice
}
const mine = (edit: (d: Draft) => void) => {
  const draft = draftOf(base)
  edit(draft)
  return draft
}
const brief = (theirs: Invoice, yours: Draft) => differences(base, theirs, yours).map(({ key, side, clash }) => [key, side, clash])

describe('differences', () => {
  test('nothing changed', () => expect(differences(base, base, draftOf(base))).toEqual([]))

  test('one side each, and the same on both, is no clash', () => {
    const theirs = others((i) => Object.assign(i.customer, { name: 'Acme Ltd', address: 'Here' }))
    const yours = mine((d) => Object.assign(d.customer, { email: 'new@b.c', address: 'Here' }))
    expect(brief(theirs, yours)).toEqual([['name', 'theirs', false], ['email', 'yours', false], ['address', 'yours', false]])
  })

  test('both, to different values, is one', () => {
    const theirs = others((i) => (i.customer.name = 'Theirs'))
    const [clash] = differences(base, theirs, mine((d) => (d.customer.name = 'Yours')))
    expect(clash).toMatchObject({ was: 'Acme', theirs: 'Theirs', yours: 'Yours', clash: true })
  })

  test('lines by field, and numbers by value', () => {
    const theirs = others((i) => change(i.lines, 0, { quantity: '1.0', unitPrice: '11' }))
    const yours = mine((d) => change(d.lines, 0, { description: 'Hard work', unitPrice: '12' }))
    expect(brief(theirs, yours)).toEqual([['line.1.description', 'yours', false], ['line.1.unitPrice', 'yours', true]])
  })

  test('lines that come and go', () => {
    const theirs = others((i) => (i.lines = [...i.lines.filter((l) => l.id !== '2'), line('4', 'Theirs')]))
    const yours = mine((d) => {
      d.lines = d.lines.filter((l) => l.id !== '3')
      change(d.lines, 1, { unitPrice: '99' })
      d.lines.push({ key: 'k', description: 'Mine', quantity: '1', unitPrice: '5' })
    })
    expect(brief(theirs, yours)).toEqual([
      ['line.2', 'yours', true], // changed here, removed there
      ['line.3', 'yours', false],
      ['line.4', 'theirs', false],
      ['line.k', 'yours', false],
    ])
  })
})

describe('merge', () => {
  const theirs = others((i) => {
    Object.assign(i.customer, { name: 'Theirs', address: 'There' })
    i.lines = [...i.lines.filter((l) => l.id !== '2'), line('4', 'Theirs')]
    change(i.lines, 0, { quantity: '7' })
  })
  const yours = mine((d) => {
    Object.assign(d.customer, { name: 'Yours', email: 'new@b.c' })
    d.lines = d.lines.filter((l) => l.id !== '3')
    change(d.lines, 0, { description: 'Hard work', quantity: '8' })
    change(d.lines, 1, { unitPrice: '99' })
    d.lines.push({ key: 'k', description: 'Mine', quantity: '1', unitPrice: '5' })
  })
  const texts = (d: Draft) => d.lines.map((l) => `${l.id ?? '+'} ${l.description} ${l.quantity} × ${l.unitPrice}`)

  test('takes what one side alone changed, and yours where both did', () => {
    const draft = merge(base, theirs, yours, {})
    expect(draft.customer).toEqual({ name: 'Yours', email: 'new@b.c', address: 'There' })
    expect(texts(draft)).toEqual(['1 Hard work 8 × 10', '+ Travel 1 × 99', '+ Mine 1 × 5', '4 Theirs 1 × 10'])
  })

  test('takes every choice', () => {
    const all = Object.fromEntries(differences(base, theirs, yours).map((d) => [d.key, 'theirs' as const]))
    expect(revision(theirs, merge(base, theirs, yours, all))).toBeUndefined()
    const draft = merge(base, theirs, yours, { name: 'theirs', 'line.1.quantity': 'theirs', 'line.3': 'theirs', 'line.4': 'yours' })
    expect(draft.customer.name).toBe('Theirs')
    expect(texts(draft)).toEqual(['1 Hard work 7 × 10', '+ Travel 1 × 99', '+ Mine 1 × 5', '3 Food 1 × 10'])
  })
})

describe('tax and discounts', () => {
  const pricing = { discounts: [{ percent: '10' }] }

  test('of a line and of the invoice are taken by field', () => {
    const theirs = others((i) => {
      change(i.lines, 0, { tax: { category: 'S', rate: '19' } })
      i.pricing = pricing
    })
    const yours = mine((d) => {
      change(d.lines, 0, { discount: '5 %' })
      d.pricesIncludeTax = true
    })
    expect(brief(theirs, yours)).toEqual([
      ['pricesIncludeTax', 'yours', false], ['adjustments', 'theirs', false], ['line.1.category', 'theirs', false],
      ['line.1.rate', 'theirs', false], ['line.1.discount', 'yours', false],
    ])
    expect(revision(theirs, merge(base, theirs, yours, {}))?.payload).toMatchObject({
      lines: [{ tax: { category: 'S', rate: '19' }, discount: { percent: '5' } }, {}, {}], pricing: { ...pricing, pricesIncludeTax: true },
    })
  })

  test('that others removed stay removed', () => {
    const was: Invoice = { ...base, pricing: { ...pricing, exemptions: [{ category: 'E', reason: 'Article 132' }] } }
    const yours = { ...draftOf(was), dueDate: '2026-02-28' }
    expect(revision(base, merge(was, base, yours, {}))?.payload).toMatchObject({ dueDate: '2026-02-28', pricing: {} })
  })
})

import { describe, expect, test } from 'vitest'
import { type Draft, creation, draftOf, duplicate, revision, validate } from './edit'
import type { Invoice, Line } from './model'

const eur = (amount: string) => ({ amount, currency: 'EUR' })
const line = (id: string, description: string, quantity: string, unitPrice: string): Line => ({
  id, description, quantity, unitPrice, net: eur('0.00'),
})

const base: Invoice = {
  customer: { name: 'Acme', email: 'a@b.c', address: '' }, currency: 'EUR', issueDate: '2026-01-01', dueDate: '2026-01-31',
  status: 'draft', lines: [line('1', 'Work', '2', '10.00'), line('3', 'Travel', '1', '5')], payments: [],
  total: eur('25.00'), paid: eur('0.00'), balance: eur('25.00'),
}

const edit = (change: (d: Draft) => void) => {
  const draft = draftOf(base)
  change(draft)
  return revision(base, draft)
}

const added = (description: string, quantity: string, unitPrice: string) => ({ key: description, description, quantity, unitPrice })

describe('revision', () => {
  test('nothing was changed', () => {
    expect(edit(() => undefined)).toBeUndefined()
    expect(edit((d) => (d.customer.name = ' Acme '))).toBeUndefined()
    expect(edit((d) => d.lines.push(added('', '1', '')))).toBeUndefined()
    expect(edit((d) => d.lines.forEach((l) => (l.quantity += '.0')))).toBeUndefined()
  })

  test('is one command, whatever was changed', () => {
    const step = edit((d) => {
      Object.assign(d, { customer: { ...d.customer, name: 'Beta' }, dueDate: '2026-02-15' })
      d.lines = d.lines.filter((l) => l.id !== '3')
      d.lines.forEach((l) => (l.unitPrice = '12,5'))
      d.lines.push(added(' Food ', '1', '7'), added('', '1', ''))
    })
    expect(step).toEqual({
      command: 'ReviseDraft',
      payload: {
        customer: { name: 'Beta', email: 'a@b.c', address: '' }, issueDate: '2026-01-01', dueDate: '2026-02-15',
        lines: [{ id: '1', description: 'Work', quantity: '2', unitPrice: '12.5' }, { description: 'Food', quantity: '1', unitPrice: '7' }], pricing: {},
      },
    })
  })

  test('another order is a change', () => {
    expect(edit((d) => d.lines.reverse())?.payload).toMatchObject({ lines: [{ id: '3' }, { id: '1' }] })
  })

  test('tax, discounts and charges are carried, whatever else is changed', () => {
    const taxed = { ...line('1', 'Work', '2', '10.00'), discount: { percent: '10.5', reason: 'loyalty' }, charge: { amount: '5.00' }, tax: { category: 'S' as const, rate: '19' } }
    const pricing = { pricesIncludeTax: true, discounts: [{ amount: '3.00', reason: 'voucher' }], charges: [{ percent: '2' }], exemptions: [{ category: 'AE' as const, reason: 'Article 196' }] }
    const invoice: Invoice = { ...base, lines: [taxed], pricing }
    const draft = draftOf(invoice)
    expect(revision(invoice, draft)).toBeUndefined()
    draft.customer.name = 'Beta'
    const { net: _, ...carried } = taxed
    expect(revision(invoice, draft)?.payload).toMatchObject({ lines: [carried], pricing })
    Object.assign(draft.lines[0] ?? {}, { category: 'AE', rate: '', discount: '', charge: '7,5 %' })
    draft.adjustments = draft.adjustments?.filter((a) => a.kind === 'charge')
    expect(revision(invoice, draft)?.payload).toMatchObject({
      lines: [{ charge: { percent: '7.5' }, tax: { category: 'AE' } }], pricing: { charges: [{ percent: '2' }] },
    })
  })

  test('work that a page kept before there was tax leaves it as it is', () => {
    const kept: Draft = { ...base, customer: { ...base.customer, name: 'Beta' }, lines: [{ key: '1', id: '1', description: 'Work', quantity: '2', unitPrice: '10.00' }] }
    expect(revision({ ...base, pricing: { pricesIncludeTax: true } }, kept)?.payload).not.toHaveProperty('pricing')
  })

  test('a line that an earlier attempt added is not added again', () => {
    const draft = draftOf(base)
    draft.lines.push(added('Food', '1', '7'))
    const progressed = { ...base, lines: [...base.lines, line('4', 'Food', '1.0', '7.00')] }
    expect(revision(progressed, draft)).toBeUndefined()
  })
})

test('a creation carries normalised decimals and leaves blank rows out', () => {
  const draft = { ...draftOf(base), lines: [added('Food', '1,5', '.5'), added('', '1', '')] }
  expect(creation(draft).payload).toMatchObject({ lines: [{ description: 'Food', quantity: '1.5', unitPrice: '0.5' }] })
})

describe('validate', () => {
  test('accepts a good draft', () => expect(validate(draftOf(base))).toEqual({}))

  test('names each field that is wrong', () => {
    const draft = draftOf(base)
    draft.customer.name = ' '
    draft.dueDate = '2025-12-31'
    draft.lines = [added('', '0', '1,234'), { ...added('a', '1', '1'), category: 'S', rate: '0', discount: '101 %', charge: '-1' }]
    draft.adjustments = [{ key: 'k', kind: 'discount', value: '0', reason: '' }]
    draft.exemptions = { AE: 'x'.repeat(201) }
    expect(Object.keys(validate(draft)).sort()).toEqual([
      '.description', '.quantity', '.unitPrice', 'a.charge', 'a.discount', 'a.rate', 'dueDate', 'exemption.AE', 'k.value', 'name',
    ])
  })
})

test('a duplicate says the same from another day on, as lines of its own', () => {
  const draft = duplicate(base, '2027-02-10')
  expect([draft.issueDate, draft.dueDate]).toEqual(['2027-02-10', '2027-03-12']) // thirty days, as before
  expect(draft.lines.every((l) => l.id === undefined && l.key.length === 36)).toBe(true)
  const { customer, currency, lines } = creation(draft).payload as { customer: unknown; currency: string; lines: unknown[] }
  expect([customer, currency]).toEqual([base.customer, 'EUR'])
  expect(lines).toEqual([{ description: 'Work', quantity: '2', unitPrice: '10.00' }, { description: 'Travel', quantity: '1', unitPrice: '5' }])
})

import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Cache, newerDetail, newerPage, newerRow } from './cache'
import { type List, listOf } from './list'
import type { Detail, Invoice, Row } from './model'

const eur = (amount: string) => ({ amount, currency: 'EUR' })

const state = (over: Partial<Invoice> = {}): Invoice => ({
  customer: { name: 'Acme', email: '', address: '' },
  currency: 'EUR', issueDate: '2026-01-01', dueDate: '2026-01-31', status: 'sent', lines: [], payments: [],
  total: eur('10.00'), paid: eur('0.00'), balance: eur('10.00'), ...over,
})

const row: Row = {
  id: 'i1', version: 3, customerName: 'Acme', status: 'sent', currency: 'EUR', total: eur('10.00'), paid: eur('0.00'),
  balance: eur('10.00'), issueDate: '2026-01-01', dueDate: '2026-01-31', updatedAt: 'then', overdue: true,
}

const paid = { id: 'i1', version: 4, at: 'now', state: state({ status: 'paid', balance: eur('0.00') }) }
const key = ['invoices', { status: '', q: '' }]

function setup() {
  const queries = new QueryClient()
  queries.setQueryData(key, listOf({ invoices: [row], count: 1, totals: [] }, 0))
  const invalidate = vi.spyOn(queries, 'invalidateQueries')
  const cache = new Cache(queries)
  const shown = () => queries.getQueryData<List>(key)?.rows[0]
  const lists = () => invalidate.mock.calls.filter(([f]) => f?.queryKey?.[0] === 'invoices').length
  return { queries, cache, shown, lists }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a newer state replaces, an older or equal one never does', () => {
  expect(newerRow(row, paid)).toMatchObject({ version: 4, status: 'paid', overdue: false, updatedAt: 'now' })
  expect(newerRow(row, { ...paid, state: { ...paid.state, number: '2026-0042' } })).toMatchObject({ number: '2026-0042' })
  expect(newerRow({ ...row, version: 4 }, paid)).toMatchObject({ status: 'sent' })
  const detail: Detail = { id: 'i1', version: 5, updatedAt: 'later', overdue: false, invoice: state() }
  expect(newerDetail(detail, paid)).toBe(detail)
  expect(newerDetail(undefined, paid)).toMatchObject({ id: 'i1', version: 4 })
})

test('a result is shown at once, in the list and in the detail', () => {
  const { cache, shown, queries } = setup()
  cache.apply(paid, '3:9')
  expect(shown()).toMatchObject({ version: 4, status: 'paid' })
  expect(queries.getQueryData(['invoice', 'i1'])).toMatchObject({ version: 4 })
  expect(cache.position).toBe('3:9')
})

test('a read waits for the newest effect: an answer without one, or to a repeat, leaves it', () => {
  const { cache } = setup()
  cache.apply(paid, '3:9')
  cache.apply({ ...paid, version: 5 }, undefined)
  expect(cache.position).toBe('3:9')
  cache.apply(paid, '3:7')
  expect(cache.position).toBe('3:9')
})

test('never goes back in time', () => {
  const { cache, shown } = setup()
  cache.apply(paid)
  cache.apply({ ...paid, version: 3, state: state() })
  expect(shown()).toMatchObject({ version: 4 })
  expect(cache.known('i1')?.version).toBe(4)
})

test('a page that was read before a change does not bring back what has left the list', () => {
  const page = { invoices: [row, { ...row, id: 'i2' }], count: 2, totals: [] }
  const known = (id: string) => (id === 'i1' ? paid : undefined)
  expect(newerPage(page, { status: 'sent', q: '' }, known).invoices.map((r) => r.id)).toEqual(['i2'])
  expect(newerPage(page, { status: '', q: '' }, known).invoices[0]).toMatchObject({ version: 4, status: 'paid' })
})

test('a row leaves a list that it does not belong to any more', () => {
  const { cache, shown, queries } = setup()
  const sent = ['invoices', { status: 'sent', q: '' }]
  queries.setQueryData(sent, listOf({ invoices: [row, { ...row, id: 'i2' }], count: 2, totals: [] }, 0))
  cache.apply(paid)
  expect(queries.getQueryData<List>(sent)?.rows.map((r) => r.id)).toEqual(['i2'])
  expect(shown()).toMatchObject({ status: 'paid' })
  cache.apply({ ...paid, version: 5, state: state({ status: 'deleted' }) })
  expect(shown()).toBeUndefined()
})

test('many changes are written together, the newest of each invoice', () => {
  const { cache, shown } = setup()
  cache.gather({ ...paid, version: 6 })
  cache.gather({ ...paid, version: 5 })
  expect(shown()?.version).toBe(3)
  vi.advanceTimersByTime(100)
  expect(shown()?.version).toBe(6)
})

test('totals are read when the changes pause', () => {
  const { cache, lists } = setup()
  cache.apply(paid)
  expect(lists()).toBe(0)
  vi.advanceTimersByTime(400)
  expect(lists()).toBe(1)
})

test('an endless stream of changes does not keep totals from being read', () => {
  const { cache, lists } = setup()
  for (let version = 4; version < 64; version++) {
    cache.apply({ ...paid, version })
    vi.advanceTimersByTime(100)
  }
  expect(lists()).toBeGreaterThanOrEqual(2)
  expect(lists()).toBeLessThanOrEqual(4)
})

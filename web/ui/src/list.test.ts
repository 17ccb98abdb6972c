import { describe, expect, test } from 'vitest'
import { append, belongs, listOf, refresh, sorted } from './list'
import type { ListPage, Row } from './model'

const eur = { amount: '1.00', currency: 'EUR' }
const row = (id: string, second: number, version = 1): Row => ({
  id, version, customerName: id, status: 'sent', currency: 'EUR', total: eur, paid: eur, balance: eur, issueDate: '2026-01-01',
  dueDate: '2026-01-31', updatedAt: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`, overdue: false,
})
const page = (invoices: Row[], next = 'more', count = 9): ListPage => ({ invoices, next, count, totals: [] })
const ids = (list: { rows: Row[] } | undefined) => list?.rows.map((r) => `${r.id}${r.version}`).join(' ')

const first = page([row('f', 6), row('e', 5), row('d', 4)])
const whole = append(listOf(first, 0), page([row('c', 3), row('b', 2), row('a', 1)], ''))
const nobody = () => false

describe('refresh', () => {
  test('a changed row keeps its place, wherever it is', () => {
    const list = refresh(whole, page([row('b', 8, 2), row('f', 6), row('e', 5)]), nobody)
    expect(ids(list)).toBe('f1 e1 d1 c1 b2 a1')
    expect(list?.next).toBe('')
  })

  test('a new row comes first', () => expect(ids(refresh(whole, page([row('g', 7), row('f', 6), row('e', 5)]), nobody))).toBe('g1 f1 e1 d1 c1 b1 a1'))

  test('what would be in the page and is not has left', () => expect(ids(refresh(whole, page([row('f', 6), row('d', 4), row('c', 3)]), nobody))).toBe('f1 d1 c1 b1 a1'))

  test('unless a frame has shown it, which the page may not know yet', () => {
    const list = refresh(whole, page([row('f', 6), row('d', 4), row('c', 3)]), (r) => r.id === 'e')
    expect(ids(list)).toBe('f1 e1 d1 c1 b1 a1')
  })

  test('a page never takes a row back in time', () => {
    const list = listOf(page([row('f', 9, 3), row('e', 5)]), 0)
    expect(ids(refresh(list, page([row('f', 6, 2), row('e', 5)]), nobody))).toBe('f3 e1')
  })

  test('the only page is the whole truth', () => {
    const list = refresh(whole, page([row('f', 6), row('a', 1)], '', 2), nobody)
    expect(ids(list)).toBe('f1 a1')
    expect(list?.count).toBe(2)
  })

  test('a page that does not meet the list is not patched on', () => {
    expect(refresh(whole, page([row('z', 30), row('y', 29), row('x', 28)]), nobody)).toBeUndefined()
  })
})

test('append shows no row twice', () => {
  expect(ids(append(listOf(first, 0), page([row('d', 4), row('c', 3)], '')))).toBe('f1 e1 d1 c1')
})

test('sorted is what the server would say, and the same object when it is that already', () => {
  expect(sorted(whole)).toBe(whole)
  expect(ids(sorted({ ...whole, rows: [row('a', 1), row('b', 9), row('c', 3)] }))).toBe('b1 c1 a1')
})

test('belongs', () => {
  const filter = (status: 'sent' | 'overdue' | '') => ({ status, q: '' })
  expect(belongs(row('a', 1), filter('sent'))).toBe(true)
  expect(belongs({ ...row('a', 1), status: 'paid' }, filter('sent'))).toBe(false)
  expect(belongs({ ...row('a', 1), overdue: true }, filter('overdue'))).toBe(true)
  expect(belongs({ ...row('a', 1), status: 'deleted' }, filter(''))).toBe(false)
})

import { expect, test } from 'vitest'
import { exportPath } from './api'
import { filterOf } from './filter'
import { listPath } from './paths'

test.each([
  ['', { status: '', q: '' }],
  ['status=sent&q=a%26b', { status: 'sent', q: 'a&b' }],
  ['sort=-total', { status: '', q: '', sort: '-total' }],
  ['sort=due&issuedFrom=2026-01-31&dueTo=2026-02-28', { status: '', q: '', sort: 'due', issuedFrom: '2026-01-31', dueTo: '2026-02-28' }],
  ['status=lost&sort=colour&issuedFrom=yesterday&dueTo=2026-99-01&dueFrom=', { status: '', q: '' }],
])('the filter of %s', (address, filter) => expect(filterOf(new URLSearchParams(address))).toEqual(filter))

test('an address names a filter that it was made of', () => {
  const filter = filterOf(new URLSearchParams('status=overdue&q=%25&sort=-balance&dueFrom=2026-02-28'))
  expect(filterOf(new URLSearchParams(listPath(filter).slice(2)))).toEqual(filter)
  expect(listPath({ ...filter, sort: '', dueFrom: '', q: '' })).toBe('/?status=overdue')
})

test('the file is of the same invoices, in the same order', () => {
  expect(exportPath({ status: '', q: '' })).toBe('/api/invoices.csv')
  expect(exportPath({ status: 'overdue', q: 'a b', sort: '-due', issuedTo: '2026-01-31' })).toBe('/api/invoices.csv?q=a+b&sort=-due&issuedTo=2026-01-31&overdue=true')
})

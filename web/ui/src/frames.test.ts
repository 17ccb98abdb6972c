import invoiceJSON from '../../../invoices/testdata/state/invoice.v1.json?raw'
import { expect, test } from 'vitest'
import { readFrame } from './frames'

const eur = { amount: '10.00', currency: 'EUR' }
const state = {
  customer: { name: 'Acme', email: '', address: '' }, currency: 'EUR', issueDate: '2026-01-01', dueDate: '2026-01-31', status: 'sent',
  lines: [{ id: '1', description: 'Work', quantity: '1', unitPrice: '10', net: eur }], payments: [], total: eur, paid: eur, balance: eur, lastLine: 1,
}
const changed = { type: 'changed', invoice: 'i1', version: 2, updatedAt: 'then', state, position: '3:7' }
const result = { type: 'result', id: 'c1', invoice: 'i1', outcome: 'accepted', version: 2, events: [{ type: 'InvoiceSent', version: 2, data: {} }], state, replayed: false, position: '3:7', effect: '3:7', token: 't' }
const good = [
  { type: 'welcome', token: 't', resumed: true }, { type: 'heartbeat', token: 't' }, { type: 'ack', id: 'c1', position: '3:7' },
  { type: 'refused', id: 'c1', problem: { status: 400, code: 'x', more: 1 } }, changed, result,
  { type: 'result', id: 'c1', invoice: 'i1', outcome: 'rejected', version: 2, code: 'x', message: 'no', currentVersion: 2, events: [], replayed: true, position: '3:7', token: 't' },
]
const read = (frame: unknown) => readFrame(JSON.stringify(frame))

test('takes what the server says', () => {
  for (const frame of good) expect(read(frame)).toEqual({ frame, newer: false })
})

test('takes every invoice that the domain writes', () => {
  const golden = JSON.parse(invoiceJSON) as unknown
  expect(read({ ...changed, state: golden })).toMatchObject({ newer: false, frame: { state: golden } })
})

test('tells a newer server by what it does not know, and uses what it knows', () => {
  for (const frame of good) expect(read({ ...frame, later: 1 })).toEqual({ frame: { ...frame, later: 1 }, newer: true })
  expect(read({ type: 'later' })).toMatchObject({ newer: true, wrong: 'its type later is unknown' })
  expect(read({ type: 'toString' })).toMatchObject({ newer: true })
})

test('never takes a frame of which a member is missing or mistyped', () => {
  const broken: [unknown, string][] = [
    [{ ...changed, version: '2' }, 'version'], [{ ...changed, version: 1.5 }, 'version'], [{ ...changed, state: undefined }, 'state'],
    [{ ...changed, invoice: null }, 'invoice'], [{ ...changed, state: { ...state, lines: {} } }, 'state'], [{ ...changed, state: { ...state, total: '10' } }, 'state'],
    [{ ...changed, state: { ...state, payments: [{}] } }, 'state'], [{ ...changed, state: { ...state, payments: null } }, 'state'], [{ ...changed, state: { ...state, customer: [] } }, 'state'],
    [{ ...result, outcome: 'perhaps' }, 'outcome'], [{ ...result, effect: 7 }, 'effect'], [{ ...result, events: [{}] }, 'events'], [{ ...result, token: null }, 'token'],
    [{ type: 'welcome', token: 't' }, 'resumed'], [{ type: 'ack', id: 'c1' }, 'position'], [{ type: 'refused', id: 'c1', problem: [] }, 'problem'],
  ]
  for (const [frame, member] of broken) {
    const got = read(frame)
    expect(got.frame).toBeUndefined()
    expect(got.wrong).toContain(member)
  }
  for (const data of ['', 'hello', '[]', 'null', '7', '{}', '{"type":7}', undefined]) expect(readFrame(data)).toEqual({ newer: false, wrong: 'it is no frame' })
})

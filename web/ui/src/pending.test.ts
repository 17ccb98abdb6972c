import { describe, expect, test } from 'vitest'
import { type Pending, type PendingAction, load, outgoing, reduce, save, waitOf } from './pending'

const step = { command: 'ChangeDetails' as const, payload: { a: 1 } }
const next = { command: 'AddLineItem' as const, payload: { b: 2 } }

const pending: Pending = {
  id: 'c1', batch: 'c1', invoice: 'i1', about: 'Acme', expected: 3, step, rest: [next], since: 1_000, phase: 'sending',
}

const after = (...actions: PendingAction[]) => actions.reduce<readonly Pending[]>(reduce, [pending])

describe('reduce', () => {
  test('remembers why a command waits, until Kafka has it', () => {
    const [troubled] = after({ type: 'troubled', id: 'c1', trouble: 'kafka_unavailable' })
    expect(troubled?.trouble).toBe('kafka_unavailable')
    const [stored] = reduce([troubled ?? pending], { type: 'stored', id: 'c1' })
    expect(stored).toMatchObject({ phase: 'stored' })
    expect(stored).not.toHaveProperty('trouble')
  })

  test('a stored command stays stored when a repeat of it fails', () => {
    const [p] = after({ type: 'stored', id: 'c1' }, { type: 'troubled', id: 'c1', trouble: 'offline' })
    expect(p).toMatchObject({ phase: 'stored' })
    expect(p).not.toHaveProperty('trouble')
  })

  test('advances to the next command of the change in one action', () => {
    const all = after({ type: 'stored', id: 'c1' }, { type: 'advanced', id: 'c1', next: 'c2', expected: 4, at: 5_000 })
    expect(all).toEqual([{ ...pending, id: 'c2', expected: 4, step: next, rest: [], made: [pending.step], since: 5_000 }])
  })

  test('settling forgets the command and no other', () => {
    const other = { ...pending, id: 'c9', batch: 'c9' }
    expect(reduce([pending, other], { type: 'settled', id: 'c1' })).toEqual([other])
    expect(reduce([pending], { type: 'settled', id: 'unknown' })).toEqual([pending])
  })
})

test('what is sent has no expected version when there is none', () => {
  expect(outgoing(pending)).toEqual({ id: 'c1', invoice: 'i1', command: 'ChangeDetails', payload: { a: 1 }, expected: 3 })
  const { expected: _, ...free } = pending
  expect(outgoing(free)).not.toHaveProperty('expected')
})

test('the wait is told by phase and age', () => {
  const stored = { ...pending, phase: 'stored' as const }
  expect([0, 1_999, 2_000, 7_999, 8_000].map((age) => waitOf(stored, 1_000 + age))).toEqual([
    'saving', 'saving', 'stored', 'stored', 'parked',
  ])
  expect(waitOf(pending, 1_500)).toBe('saving')
  expect(waitOf(pending, 3_100)).toBe('unsent')
  expect(waitOf({ ...pending, trouble: 'offline' }, 1_500)).toBe('unsent')
})

test('survives a reload, and a broken storage', () => {
  const values = new Map<string, string>()
  const storage = { getItem: (k: string) => values.get(k) ?? null, setItem: (k: string, v: string) => void values.set(k, v) }
  expect(load(storage)).toEqual([])
  save(storage, [pending])
  expect(load(storage)).toEqual([pending])
  expect(load({ getItem: () => '{' })).toEqual([])
})

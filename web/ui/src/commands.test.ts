import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Answer, Outgoing, Result } from './api'
import { Commands, type Outcome } from './commands'

const change = { invoice: 'i1', about: 'Acme', expected: 3, steps: [{ command: 'SendInvoice' as const, payload: {} }] as [
  { command: 'SendInvoice'; payload: object },
] }

function setup(values = new Map<string, string>()) {
  const world = {
    open: true,
    sent: [] as Outgoing[],
    posted: [] as Outgoing[],
    answers: [] as Answer[],
    found: undefined as Result | undefined,
    lookUps: 0,
    outcomes: [] as Outcome[],
    values,
  }
  let ids = values.size * 100
  const commands = new Commands({
    storage: { getItem: (k) => values.get(k) ?? null, setItem: (k, v) => void values.set(k, v) },
    send: (command) => {
      if (world.open) world.sent.push(command)
      return world.open
    },
    post: (command) => {
      world.posted.push(command)
      return Promise.resolve(world.answers.shift() ?? { kind: 'unavailable', code: 'offline', retryAfter: 0 })
    },
    lookUp: () => {
      world.lookUps++
      return Promise.resolve(world.found)
    },
    onResult: () => undefined,
    onOutcome: (o) => world.outcomes.push(o),
    newId: () => `c${++ids}`,
    random: () => 0.5,
  })
  return { world, commands }
}

const accepted = (id: string, version: number): Result => ({ id, invoice: 'i1', outcome: 'accepted', version })

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('by websocket', () => {
  test('a command ends with its result', async () => {
    const { world, commands } = setup()
    const { ended } = commands.submit(change)
    expect(world.sent).toEqual([{ id: 'c1', invoice: 'i1', command: 'SendInvoice', payload: {}, expected: 3 }])
    commands.stored('c1')
    expect(commands.pending.get()[0]?.phase).toBe('stored')
    commands.received(accepted('c1', 4))
    await expect(ended).resolves.toMatchObject({ kind: 'accepted', version: 4 })
    expect(commands.pending.get()).toEqual([])
    commands.received(accepted('c1', 4)) // a replay
    expect(world.outcomes).toHaveLength(1)
  })

  test('it is stored before it is sent', () => {
    const { world, commands } = setup()
    let stored: string | undefined
    world.sent.push = (...c) => {
      stored = world.values.get('eventim.pending')
      return c.length
    }
    commands.submit(change)
    expect(stored).toContain('"c1"')
  })

  test('without an ack it goes again with the same id', () => {
    const { world, commands } = setup()
    commands.submit(change)
    vi.advanceTimersByTime(10_000)
    expect(world.sent.map((c) => c.id)).toEqual(['c1', 'c1'])
  })

  test('a reconnect sends what Kafka may not have, and no more', () => {
    const { world, commands } = setup()
    commands.submit(change)
    commands.submit(change)
    commands.stored('c1')
    world.sent = []
    commands.welcomed(true)
    expect(world.sent.map((c) => c.id)).toEqual(['c2'])
  })

  test('a connection that could not be resumed sends everything again', () => {
    const { world, commands } = setup()
    commands.submit(change)
    commands.stored('c1')
    world.sent = []
    commands.welcomed(false)
    expect(world.sent.map((c) => c.id)).toEqual(['c1'])
  })

  test('Kafka down: it is tried again, and says why', () => {
    const { world, commands } = setup()
    commands.submit(change)
    commands.refused('c1', { status: 503, code: 'kafka_unavailable', retryAfter: 2 })
    expect(commands.pending.get()[0]).toMatchObject({ phase: 'sending', trouble: 'kafka_unavailable' })
    vi.advanceTimersByTime(2_249)
    expect(world.sent).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(world.sent.map((c) => c.id)).toEqual(['c1', 'c1'])
    expect(world.outcomes).toEqual([])
  })

  test('a refusal that no repeat can mend ends it', async () => {
    const { commands } = setup()
    const { ended } = commands.submit(change)
    commands.refused('c1', { status: 413, code: 'command_too_large', title: 'too large' })
    await expect(ended).resolves.toMatchObject({ kind: 'rejected', code: 'command_too_large', message: 'too large' })
  })
})

describe('results', () => {
  test('a stale version is a conflict and tells the current one', async () => {
    const { commands } = setup()
    const { ended } = commands.submit(change)
    commands.received({ id: 'c1', invoice: 'i1', outcome: 'rejected', code: 'version_conflict', version: 5, currentVersion: 5 })
    await expect(ended).resolves.toMatchObject({ kind: 'conflict', version: 5, change: { expected: 3 } })
  })

  test('a failed command is reported like a rejected one', async () => {
    const { commands } = setup()
    const { ended } = commands.submit(change)
    commands.received({ id: 'c1', invoice: 'i1', outcome: 'failed', code: 'decision_panicked', message: 'boom' })
    await expect(ended).resolves.toMatchObject({ kind: 'rejected', code: 'decision_panicked', message: 'boom' })
  })

  test('each command of a change expects what the one before it left', async () => {
    const { world, commands } = setup()
    const line = { command: 'RemoveLineItem' as const, payload: { lineId: '2' } }
    const { ended } = commands.submit({ ...change, steps: [...change.steps, line] })
    commands.received(accepted('c1', 4))
    expect(world.outcomes).toEqual([])
    expect(world.sent.at(-1)).toEqual({ id: 'c2', invoice: 'i1', command: 'RemoveLineItem', payload: { lineId: '2' }, expected: 4 })
    commands.received({ id: 'c2', invoice: 'i1', outcome: 'rejected', code: 'line_not_found', message: 'no line 2' })
    await expect(ended).resolves.toMatchObject({ kind: 'rejected', code: 'line_not_found', change: { made: change.steps, batch: 'c1' } })
    expect(commands.pending.get()).toEqual([])
  })
})

describe('without a websocket', () => {
  test('the result comes by POST', async () => {
    const { world, commands } = setup()
    world.open = false
    world.answers = [{ kind: 'result', result: accepted('c1', 4) }]
    const { ended } = commands.submit(change)
    await expect(ended).resolves.toMatchObject({ kind: 'accepted' })
    expect(world.posted).toHaveLength(1)
  })

  test('a stored command is looked up, not sent again', async () => {
    const { world, commands } = setup()
    world.open = false
    world.answers = [{ kind: 'stored' }]
    const { ended } = commands.submit(change)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(world.lookUps).toBe(1)
    world.found = accepted('c1', 4)
    await vi.advanceTimersByTimeAsync(5_000)
    await expect(ended).resolves.toMatchObject({ kind: 'accepted' })
    expect(world.posted).toHaveLength(1)
  })

  test('no answer: it goes again with the same id, by whatever way there is', async () => {
    const { world, commands } = setup()
    world.open = false
    commands.submit(change)
    await vi.advanceTimersByTimeAsync(500)
    expect(commands.pending.get()[0]?.trouble).toBe('offline')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(world.posted.length).toBeGreaterThan(1)
    expect(new Set(world.posted.map((c) => c.id))).toEqual(new Set(['c1']))
    world.open = true
    commands.welcomed(false)
    expect(world.sent.map((c) => c.id)).toEqual(['c1'])
  })
})

describe('after a reload', () => {
  test('what was pending goes on, between two commands of a change too', () => {
    const before = setup()
    const line = { command: 'RemoveLineItem' as const, payload: { lineId: '2' } }
    before.commands.submit({ ...change, steps: [...change.steps, line, line] })
    before.commands.received(accepted('c1', 4))

    const { world, commands } = setup(before.world.values)
    commands.start()
    commands.welcomed(true)
    expect(world.sent).toEqual([{ id: 'c2', invoice: 'i1', command: 'RemoveLineItem', payload: { lineId: '2' }, expected: 4 }])
    commands.received(accepted('c2', 5))
    commands.received(accepted(world.sent.at(-1)?.id ?? '', 6))
    expect(world.outcomes).toMatchObject([{ kind: 'accepted', version: 6, change: { made: [...change.steps, line] } }])
  })

  test('a command older than the server remembers is looked up and never sent', async () => {
    const before = setup()
    before.world.open = false
    before.commands.submit(change)
    vi.setSystemTime(Date.now() + 13 * 3_600_000)

    const { world, commands } = setup(before.world.values)
    commands.start()
    commands.welcomed(false)
    await vi.advanceTimersByTimeAsync(10)
    expect(world.sent).toEqual([])
    expect(world.lookUps).toBe(1)
    expect(world.outcomes).toMatchObject([{ kind: 'rejected', code: 'unknown' }])
  })
})

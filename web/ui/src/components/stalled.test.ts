import { expect, test } from 'vitest'
import { type Handling, stalledSince } from './stalled'

const at = (since: string, partition = 0) => ({ partition, offset: 7, waiting: 2, since })

test('tells the earliest time since which something waits', () => {
  const h: Handling = { state: 'stalled', partitions: [at('2026-01-02T03:04:09Z'), at('2026-01-02T03:04:05Z', 3)] }
  expect(stalledSince(h)?.toISOString()).toBe('2026-01-02T03:04:05.000Z')
})

test('tells nothing while commands are handled, or nobody knows', () => {
  expect(stalledSince(undefined)).toBeUndefined()
  expect(stalledSince({ state: 'ok', partitions: [] })).toBeUndefined()
  expect(stalledSince({ state: 'unknown', partitions: [at('2026-01-02T03:04:05Z')] })).toBeUndefined()
})

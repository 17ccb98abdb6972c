import { expect, test } from 'vitest'
import { uuidv7 } from './ids'

test('has the layout of RFC 9562', () => {
  const id = uuidv7(0x017f22e279b0, new Uint8Array(10).fill(0xff))
  expect(id).toBe('017f22e2-79b0-7fff-bfff-ffffffffffff')
})

test('sorts by time and is unique', () => {
  expect(uuidv7(1_000) < uuidv7(2_000)).toBe(true)
  const ids = new Set(Array.from({ length: 1_000 }, () => uuidv7()))
  expect(ids.size).toBe(1_000)
})

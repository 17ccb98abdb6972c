import { expect, test } from 'vitest'
import { chosen } from './past'

test.each([
  ['', { version: 7, from: 6, past: false }],
  ['version=3', { version: 3, from: 2, past: true }],
  ['version=3&from=6', { version: 3, from: 6, past: true }],
  ['from=2', { version: 7, from: 2, past: false }],
  ['version=7', { version: 7, from: 6, past: false }],
  ['version=1', { version: 1, from: 0, past: true }],
  ['version=3&from=3', { version: 3, from: 2, past: true }],
  ['version=3&from=99', { version: 3, from: 2, past: true }],
  ['version=99', { version: 99, from: 98, past: true }],
  ['version=0', { version: 7, from: 6, past: false }],
  ['version=x&from=-1', { version: 7, from: 6, past: false }],
])('of seven versions, %s is %j', (query, want) => expect(chosen(new URLSearchParams(query), 7)).toEqual(want))

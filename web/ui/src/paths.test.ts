import { expect, test } from 'vitest'
import { idOf, invoicePath, segment } from './paths'

const ids = ['2026/001', 'a?b', '#1', '50%', '%2F', '%252F', '..', '.', '~..', '~~.', '~x', '...', 'a b', 'ä', '&=+', '01998b5e-8d8c-7cc1-a2a1-0f2c6f4b7a10']

test.each(ids)('%s goes into an address and comes back', (id) => {
  const { pathname, search, hash } = new URL(invoicePath(id), 'http://localhost')
  expect(pathname).toBe(invoicePath(id))
  expect(search + hash).toBe('')
  const [, , written = '', ...rest] = pathname.split('/')
  expect(rest).toEqual([])
  expect(idOf(written)).toBe(id)
})

test('no two ids share an address', () => expect(new Set(ids.map(segment)).size).toBe(ids.length))

test('what is not encoded well stands for itself', () => expect(idOf('50%')).toBe('50%'))

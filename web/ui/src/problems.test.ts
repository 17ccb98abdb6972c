import { expect, test } from 'vitest'
import { asSentence, titleOf } from './problems'

test('every code has a heading', () => {
  expect(titleOf('invoice_not_draft')).toContain('already issued')
  expect(titleOf('some_new_code')).toBe('The change was not accepted')
})

test('a sentence is left as it is', () => {
  expect(asSentence('Try again!')).toBe('Try again!')
})

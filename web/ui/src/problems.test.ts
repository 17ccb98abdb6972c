import { expect, test } from 'vitest'
import { asSentence, fieldErrors, titleOf } from './problems'

test('a message goes to its field, if the form has it', () => {
  const failure = { code: 'overpayment', message: 'a payment of 5.00 EUR is more than the balance' }
  expect(fieldErrors(failure, ['amount'])).toEqual({ amount: 'A payment of 5.00 EUR is more than the balance.' })
  expect(fieldErrors(failure, ['name'])).toEqual({})
  expect(fieldErrors({ code: 'invoice_deleted', message: 'gone' }, ['amount'])).toEqual({})
  expect(fieldErrors(undefined, ['amount'])).toEqual({})
})

test('every code has a heading', () => {
  expect(titleOf('invoice_not_draft')).toContain('already sent')
  expect(titleOf('some_new_code')).toBe('The change was not accepted')
})

test('a sentence is left as it is', () => {
  expect(asSentence('Try again!')).toBe('Try again!')
})

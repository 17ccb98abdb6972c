import { describe, expect, test } from 'vitest'
import type { CommandName } from './api'
import type { Outcome } from './commands'
import type { Draft } from './edit'
import { invoiceErrors, paymentErrors } from './fields'

const failed = (code: string, message: string, more: { pointer?: string; command?: CommandName; payload?: unknown } = {}): Outcome => {
  const { command = 'CreateInvoice', payload = {}, ...pointed } = more
  const step = { command, payload }
  const change = { id: 'c', batch: 'c', invoice: 'i', about: 'Acme', step, rest: [], since: 0, phase: 'sending' as const }
  return { kind: 'rejected', change, version: 0, code, message, ...pointed }
}
const line = (key: string, description: string, id?: string) => ({ key, description, quantity: '1', unitPrice: '1', ...(id && { id }) })
const draft: Draft = {
  customer: { name: 'n', email: '', address: '' }, currency: 'EUR', issueDate: '2026-01-01', dueDate: '2026-01-02',
  lines: [line('a', 'Work', '1'), { key: 'blank', description: '', quantity: '1', unitPrice: '' }, line('b', 'Food')],
}

describe('an invoice', () => {
  test.each([
    ['name', failed('text_too_long', 'the customer name has 400 characters: at most 200 are allowed')],
    ['name', failed('request_invalid', 'too long', { pointer: '/customer/name' })],
    ['email', failed('text_invalid', 'the customer e-mail contains a control character: remove it')],
    ['dueDate', failed('date_invalid', 'the due date is missing')],
    ['issueDate', failed('date_invalid', 'the issue date 0026-01-01 is not between …')],
    ['lines', failed('too_many_lines', 'an invoice has at most 1000 line items')],
    ['b.quantity', failed('quantity_invalid', 'line item 2: the quantity is zero')],
    ['b.unitPrice', failed('request_invalid', 'no', { pointer: '/lines/1/unitPrice' })],
    ['a.description', failed('text_too_long', 'the line item description has 300 …', { command: 'ChangeLineItem', payload: { lineId: '1', description: 'x' } })],
    ['b.unitPrice', failed('amount_too_large', 'too much', { command: 'AddLineItem', payload: { description: 'Food' } })],
    ['b.quantity', failed('quantity_invalid', 'line item 2: the quantity is zero', { command: 'ReviseDraft' })],
    ['b.discount', failed('discount_too_large', 'line item 2: the discount is more than …')],
    ['b.charge', failed('text_too_long', 'line item 2: the reason of the charge has 101 characters')],
    ['b.discount', failed('request_invalid', 'no', { pointer: '/lines/1/discount/percent' })],
    ['b.rate', failed('request_invalid', 'no', { pointer: '/lines/1/tax/rate' })],
    ['adjustments', failed('discount_invalid', 'the discount of the invoice must be either …')],
    ['adjustments', failed('request_invalid', 'no', { pointer: '/pricing/discounts/0/percent' })],
    ['adjustments', failed('text_too_long', 'the exemption reason has 201 characters')],
    ['lines', failed('price_invalid', 'of a line that is gone', { command: 'ChangeLineItem', payload: { lineId: '9' } })],
  ])('marks %s', (field, failure) => expect(Object.keys(invoiceErrors(failure, draft))).toEqual([field]))

  test('marks nothing when it is about none of its fields', () => {
    expect(invoiceErrors(failed('invoice_deleted', 'the invoice was deleted'), draft)).toEqual({})
    expect(invoiceErrors(failed('overpayment', 'too much'), draft)).toEqual({})
  })
})

test.each([
  ['amount', failed('overpayment', 'a payment of 5.00 EUR is more than the balance')],
  ['amount', failed('request_invalid', 'no', { pointer: '/amount/currency' })],
  ['date', failed('date_invalid', 'the payment date is missing')],
  ['reference', failed('text_too_long', 'the reference has 200 characters')],
])('a payment: marks %s', (field, failure) => expect(Object.keys(paymentErrors(failure))).toEqual([field]))

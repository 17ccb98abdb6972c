import { expect, test } from 'vitest'
import { completed, request, sentence } from './sentences'

const eur = (amount: string) => ({ amount, currency: 'EUR' })
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ')

test('events read as sentences', () => {
  const payment = { id: '1', amount: eur('10.00'), date: '2026-01-01', reference: 'Transfer 7' }
  expect(plain(sentence('PaymentReceived', { payment }))).toMatch(/^Payment of .*10.* received \(Transfer 7\)$/)
  expect(sentence('LineItemAdded', { line: { description: 'Work', quantity: '2', unitPrice: '3' } })).toBe('Line added “Work”: 2 × 3')
  expect(sentence('LineItemRemoved', { lineId: '3' })).toBe('Line 3 removed')
  expect(plain(sentence('PaymentReversed', { paymentId: '2', amount: eur('5.00'), reason: 'Bounced' }))).toMatch(/^.*5\.00.* of payment 2 taken back: Bounced$/)
  expect(sentence('InvoiceVoided', { reason: 'Issued twice' })).toBe('Invoice voided: Issued twice')
  expect(plain(sentence('InvoiceWrittenOff', { amount: eur('5.00'), reason: 'Insolvent' }))).toMatch(/^.*5\.00.* written off: Insolvent$/)
  expect(sentence('InvoiceNumbered', { number: '2026-0001' })).toBe('Number 2026-0001 given')
  expect(sentence('InvoiceCreated', { customer: { name: 'Acme' }, lines: [{}] })).toBe('Draft created for Acme with one line')
})

test('history that this page does not know is still told', () => {
  expect(sentence('InvoiceFramed', null)).toBe('Invoice Framed')
  expect(sentence('InvoiceWrittenOff', null)).toBe('What was left written off')
  expect(sentence('PaymentReceived', 'garbage')).toBe('Payment received')
})

test('commands read as what was asked for and what was done', () => {
  const step = { command: 'ReceivePayment' as const, payload: { amount: eur('10.00') } }
  expect(plain(request(step))).toMatch(/^Record the payment of .*10/)
  expect(plain(completed(step))).toMatch(/^Payment of .*10.* recorded$/)
})

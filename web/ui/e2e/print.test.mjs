// What comes out of the printer is a document for the customer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from './stage.mjs'

const s = stage()
const printed = () => s.page.evaluate(() => document.body.innerText)

test('a print is titled, and says nothing of versions', async () => {
  s.sent('0199-2c6f4b7a')
  await s.open('/invoices/0199-2c6f4b7a')
  await s.page.getByText('Version 2').waitFor()
  await s.page.emulateMedia({ media: 'print' })
  const text = await printed()
  assert.match(text, /^Invoice 2C6F4B7A/)
  assert.match(text, /Acme/)
  assert.match(text, /€100\.00/)
  assert.doesNotMatch(text, /Version|Changed|Live|Print|Seller|Record payment/)
  await s.until(() => s.page.title(), 'Invoice 2C6F4B7A · Acme') // a browser names the file by it
})

test('a print of a draft says that it is one', async () => {
  s.draft('0199-2c6f4b7a')
  await s.open('/invoices/0199-2c6f4b7a')
  await s.page.getByText('Draft total').waitFor()
  await s.page.emulateMedia({ media: 'print' })
  assert.match(await printed(), /^Draft of an invoice 2C6F4B7A/)
})

test('marking as sent says that nothing is sent', async () => {
  s.draft('i1')
  await s.open('/invoices/i1')
  await s.button('Mark as sent').click()
  await s.dialog().getByText('Nothing is mailed').waitFor()
  await s.dialog().getByRole('button', { name: 'Mark as sent' }).click()
  await s.page.getByText('Invoice marked as sent').waitFor()
})

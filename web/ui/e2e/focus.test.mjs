// Where the focus is, for a person with a keyboard.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from './stage.mjs'

const s = stage()
const field = (name) => s.page.getByLabel(name)
const focusedText = () => s.page.evaluate(() => document.activeElement.textContent)

test('a dialog takes the focus to its first field, keeps it, and gives it back', async () => {
  s.sent('i1')
  await s.open('/invoices/i1')
  await s.button('Record payment').focus()
  await s.page.keyboard.press('Enter')
  await s.dialog().waitFor()
  await s.focusIs('amount')
  assert.equal(await s.page.evaluate(() => getSelection().toString()), '100.00') // to be typed over
  await s.page.keyboard.press('Escape')
  await s.dialog().waitFor({ state: 'detached' })
  await s.until(focusedText, 'Record payment')
})

test('a question begins at the answer that changes nothing', async () => {
  s.draft('i1')
  await s.open('/invoices/i1')
  for (const name of ['Delete draft', 'Mark as sent']) {
    await s.button(name).focus()
    await s.page.keyboard.press('Enter')
    await s.dialog().waitFor()
    await s.until(focusedText, 'Cancel')
    await s.page.keyboard.press('Enter')
    await s.dialog().waitFor({ state: 'detached' })
    await s.until(focusedText, name)
  }
})

test('a line that is removed passes the focus on', async () => {
  const lines = ['a', 'b', 'c'].map((description) => ({ description, quantity: '1', unitPrice: '1' }))
  s.draft('i1', { lines })
  await s.open('/invoices/i1/edit')
  const remove = async (n) => {
    await s.button(`Remove line ${n}`).focus()
    await s.page.keyboard.press('Enter')
  }
  await remove(2)
  await s.focusIs('Remove line 2') // of the line that moved up
  await remove(2)
  await s.focusIs('Remove line 1') // the last one is gone
  await remove(1)
  await s.until(focusedText, 'Add line')
  await s.page.keyboard.press('Enter')
  await s.focusIs('Description of line 1')
})

test('mistakes lead to the first field that has one, and again on the next try', async () => {
  await s.open('/new')
  await field('Description of line 1').fill('Work')
  for (let i = 0; i < 2; i++) {
    await field('Address').focus()
    await s.page.keyboard.press('Control+Enter')
    await s.page.getByText('Enter the name').waitFor()
    await s.focusIs('name')
  }
  await field('Name').fill('x'.repeat(400))
  await s.page.getByText('Enter the name').waitFor({ state: 'detached' })
  await s.page.keyboard.press('Control+Enter')
  await s.page.getByText('That is 400 characters long. At most 200 fit.').waitFor()
  await s.focusIs('name')
  await field('Name').fill('Acme')
  await s.page.keyboard.press('Control+Enter')
  await s.page.getByText('Enter a number such as 1250.50.').waitFor()
  await s.focusIs('Unit price of line 1')
})

test('what the server refuses is marked at its field', async () => {
  await s.open('/new')
  await field('Name').fill('refused by the server')
  await field('Unit price of line 1').fill('1')
  await field('Description of line 1').fill('Work')
  await s.button('Create draft').click()
  await s.page.getByRole('alert').waitFor()
  await s.focusIs('name')
  assert.match(await s.page.locator('.wrong').textContent(), /customer name/)
})

// Whatever can be found, opened or done, by typing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phone, violations } from './browser.mjs'
import { fill } from './demo.mjs'
import { stage } from './stage.mjs'

const s = stage()
const typing = () => s.page.getByRole('combobox', { name: 'Find an invoice, or say what to do' })
const option = (name) => s.page.getByRole('option', { name })
const chosen = (name) => s.page.locator('[role=option][aria-selected=true]').filter({ hasText: name }).waitFor()
const heading = (name) => s.page.getByRole('heading', { name, level: 1 }).waitFor()

test('with the keyboard alone: an invoice is made, found, paid, and what the page offers is done', async () => {
  await s.open('/')
  await s.page.keyboard.press('Control+k')
  await typing().and(s.page.locator(':focus')).waitFor()
  await s.page.keyboard.type('new inv')
  await chosen('New invoice')
  await s.page.keyboard.press('Enter')
  await heading('New invoice')

  s.sent('i1', { customer: { name: 'Zoë Ltd', email: '', address: '' } })
  await s.page.keyboard.press('Control+k')
  await s.page.keyboard.type('zoë')
  await option('Zoë Ltd').first().waitFor()
  await s.page.keyboard.press('ArrowDown')
  await chosen('Record a payment of Zoë Ltd: €100.00')
  await s.page.keyboard.press('Enter')
  await s.dialog().getByLabel('Amount').and(s.page.locator(':focus')).waitFor()
  await s.page.keyboard.press('Enter')
  await s.page.locator('.heading').getByText('Paid', { exact: true }).waitFor()
  await s.dialog().waitFor({ state: 'detached' })
  await s.until(() => new URL(s.page.url()).search, '')

  await s.page.keyboard.press('Control+k')
  await s.page.keyboard.type('hist')
  await chosen('History')
  await s.page.keyboard.press('Enter')
  await heading('History of Zoë Ltd')
})

test('it goes to a filter of the list, and out of a field; Escape gives the focus back', async () => {
  fill(s.product, 12)
  await s.open('/new')
  await s.page.getByLabel('E-mail').focus()
  await s.page.keyboard.press('Control+k')
  await s.page.keyboard.press('Escape')
  await s.dialog().waitFor({ state: 'detached' })
  await s.focusIs('email')
  await s.page.keyboard.press('Control+k')
  await typing().fill('invoices overdue')
  await chosen('Invoices: Overdue')
  await s.page.keyboard.press('Enter')
  await s.page.waitForURL('**/?status=overdue')
  await s.page.getByRole('link', { name: 'Overdue', exact: true }).and(s.page.locator('[aria-current=page]')).waitFor()
})

test('what is not there is said, and so is a search that cannot be made', async () => {
  await s.open('/')
  await s.button('Search and commands').click()
  await typing().fill('nobody of this name')
  await s.dialog().getByText('Nothing is found for “nobody of this name”').waitFor()
  assert.deepEqual(await violations(s.page), [])
  s.product.databaseDown = true
  await typing().fill('anybody')
  await s.dialog().getByText('Invoices cannot be searched at the moment').waitFor()
})

test('by hand on a phone', async () => {
  await s.page.setViewportSize(phone)
  s.sent('i1')
  await s.open('/')
  await s.button('Search and commands').click()
  await typing().fill('acme')
  await option('Record a payment of Acme').waitFor()
  assert.deepEqual(await violations(s.page), [])
  assert.equal(await s.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
  await option('Acme').first().click()
  await heading('Acme')
})

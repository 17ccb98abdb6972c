// The list as a bookkeeper wants it: sorted, cut by dates, and as a file.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phone, violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()
const head = (name) => s.page.getByRole('columnheader', { name })
const names = () => s.page.locator('.list .who a').allTextContents()
const listed = (want) => s.until(names, want)

function three() {
  const lines = (unitPrice) => [{ description: 'Work', quantity: '1', unitPrice }]
  const customer = (name) => ({ name, email: '', address: '' })
  s.draft('i1', { customer: customer('Carl'), issueDate: '2026-01-10', dueDate: '2026-02-10', lines: lines('300') })
  s.draft('i2', { customer: customer('Ann'), issueDate: '2026-01-20', dueDate: '2026-02-05', lines: lines('100') })
  s.draft('i3', { customer: customer('Bob'), issueDate: '2026-01-30', dueDate: '2026-02-28', lines: lines('200') })
}

test('a column sorts when it is chosen, then the other way round, then not at all; the address keeps it', async () => {
  three()
  await s.open('/')
  await listed(['Bob', 'Ann', 'Carl'])
  await head('Customer').getByRole('link').click()
  await listed(['Ann', 'Bob', 'Carl'])
  assert.equal(await head('Customer').getAttribute('aria-sort'), 'ascending')
  assert.deepEqual(await violations(s.page), [])
  await head('Customer').getByRole('link').click()
  await listed(['Carl', 'Bob', 'Ann'])
  assert.match(s.page.url(), /sort=-customer/)
  await s.page.reload()
  await listed(['Carl', 'Bob', 'Ann'])
  await head('Customer').getByRole('link').click()
  await listed(['Bob', 'Ann', 'Carl'])
  await head('Total').getByRole('link').click()
  await listed(['Carl', 'Bob', 'Ann'])
})

test('a sorted list shows what changes, in its place', async () => {
  three()
  await s.open('/?sort=customer')
  await listed(['Ann', 'Bob', 'Carl'])
  s.product.command('i3', 'ChangeDetails', { customer: { name: 'Zoe', email: '', address: '' }, issueDate: '2026-01-30', dueDate: '2026-02-28' })
  await listed(['Ann', 'Carl', 'Zoe'])
  s.draft('i4', { customer: { name: 'Bea', email: '', address: '' } })
  await listed(['Ann', 'Bea', 'Carl', 'Zoe'])
})

test('dates cut the list, and what comes later too', async () => {
  three()
  await s.open('/')
  await s.page.getByText('Dates', { exact: true }).click()
  await s.page.getByLabel('Issued from').fill('2026-01-20')
  await listed(['Bob', 'Ann'])
  await s.page.getByLabel('Due until').fill('2026-02-10')
  await listed(['Ann'])
  await s.page.getByText('Dates (2)').waitFor()
  assert.deepEqual(await violations(s.page), [])
  assert.match(s.page.url(), /issuedFrom=2026-01-20&dueTo=2026-02-10/)
  s.product.command('i2', 'ChangeDetails', { customer: { name: 'Ann', email: '', address: '' }, issueDate: '2026-01-19', dueDate: '2026-02-05' })
  await s.page.getByText('No invoice matches').waitFor()
  await s.button('All dates').click()
  await listed(['Ann', 'Bob', 'Carl'])
})

test('the file is of the selection, in its order', async () => {
  three()
  await s.open('/?sort=customer&issuedTo=2026-01-20')
  await listed(['Ann', 'Carl'])
  const link = s.page.getByRole('link', { name: 'Export as CSV' })
  assert.equal(await link.getAttribute('href'), '/api/invoices.csv?sort=customer&issuedTo=2026-01-20')
})

test('on a phone, where columns have no heads, there is a choice of how to sort', async () => {
  three()
  await s.page.setViewportSize(phone)
  await s.open('/')
  await s.page.getByLabel('Sort by').selectOption('Due, ascending')
  await listed(['Ann', 'Carl', 'Bob'])
  await s.page.getByText('Dates', { exact: true }).click()
  assert.deepEqual(await violations(s.page), [])
  const wider = await s.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.equal(wider, 0)
})

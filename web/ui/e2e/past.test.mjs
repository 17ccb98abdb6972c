// The history: the invoice as it was at each version, what is different, and nothing that could be written there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phone, violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()
const paper = () => s.page.getByRole('article', { name: 'Invoice' })
const bar = () => s.page.locator('.past [role=status] p').first()
const told = () => s.page.locator('.changes dl > div').allTextContents()
const marked = () => s.page.locator('.document .changed').allTextContents()
const address = () => s.page.evaluate(() => location.search)
const says = (text) => s.until(() => bar().textContent(), text)
const settled = () => s.none(s.page.locator('[aria-busy=true]'))

/** An invoice with four versions: created, a line more, another customer, sent. */
function four() {
  s.draft('i1')
  s.product.command('i1', 'AddLineItem', { description: 'Hosting', quantity: '2', unitPrice: '5' })
  s.product.command('i1', 'ChangeDetails', { customer: { name: 'Acme AG', email: '', address: '' }, issueDate: '2026-01-01', dueDate: '2035-01-01' })
  s.product.command('i1', 'SendInvoice', {})
}

test('now is the newest version, and each sentence leads to its own', async () => {
  four()
  await s.open('/invoices/i1/history')
  await says('Version 4 of 4, as it is now')
  await s.until(told, ['Statusbefore: Draft → now: Sent'])
  await s.page.getByRole('link', { name: 'Draft created for Acme' }).click()
  await says('You see version 1 of 4')
  await settled()
  await paper().getByText('Acme', { exact: true }).waitFor()
  await s.until(() => paper().locator('tbody tr').count(), 1)
  await s.until(address, '?version=1')
  assert.equal(await s.page.locator('.changes').count(), 0)
  await s.page.getByText('Nothing can be changed in the past.').waitFor()
  await s.page.getByRole('link', { name: 'Back to now' }).click()
  await says('Version 4 of 4, as it is now')
  await s.until(address, '')
  await paper().getByText('Acme AG').waitFor()
})

test('a link leads into the past, where what changed is marked and told', async () => {
  four()
  await s.open('/invoices/i1/history?version=2')
  await says('You see version 2 of 4')
  await s.until(told, ['Line “Hosting”now: 2 × 5', 'Totalbefore: €100.00 → now: €110.00', 'Balance duebefore: €100.00 → now: €110.00'])
  await s.until(marked, ['Hosting25€10.00', '€110.00'])
  assert.deepEqual(await violations(s.page), [])
  await s.page.getByLabel('Compare with').selectOption({ label: 'Version 4' })
  await s.until(address, '?version=2&from=4')
  await s.page.getByRole('heading', { name: 'From version 4 to version 2' }).waitFor()
  await s.until(told, ['Customerbefore: Acme AG → now: Acme', 'Statusbefore: Sent → now: Draft'])
  await s.page.reload()
  await s.until(told, ['Customerbefore: Acme AG → now: Acme', 'Statusbefore: Sent → now: Draft'])
})

test('buttons and arrow keys go earlier and later, to the ends and no further', async () => {
  four()
  await s.open('/invoices/i1/history')
  await says('Version 4 of 4, as it is now')
  for (const version of [3, 2, 1]) {
    await s.page.keyboard.press('ArrowLeft')
    await says(`You see version ${version} of 4`)
  }
  await s.until(() => s.button('Earlier').getAttribute('aria-disabled'), 'true')
  await s.page.keyboard.press('ArrowLeft')
  await s.page.keyboard.press('ArrowRight')
  await says('You see version 2 of 4')
  await s.button('Earlier').click()
  await says('You see version 1 of 4')
  await s.focusIs('Earlier')
  await s.button('Later').click()
  await says('You see version 2 of 4')
  await s.page.getByLabel('Compare with').focus()
  await s.page.keyboard.press('ArrowDown') // it is the select's own there
  await s.until(address, '?version=2&from=3')
  await says('You see version 2 of 4')
})

test('nothing can be written in the past, and what happens meanwhile changes only how much there is', async () => {
  four()
  await s.open('/invoices/i1/history?version=2')
  await settled()
  const names = await s.page.locator('main').getByRole('button').allTextContents()
  assert.deepEqual(names, ['Print', 'Earlier', 'Later'])
  assert.equal(await s.page.locator('main [data-key]:is([data-key=p], [data-key=s], [data-key=e], [data-key=v], [data-key=w], [data-key=c], [data-key=d])').count(), 0)
  s.product.command('i1', 'ReceivePayment', { amount: { amount: '10.00', currency: 'EUR' }, date: '2026-02-01', reference: '' })
  await says('You see version 2 of 5')
  await s.page.getByRole('link', { name: 'Payment of €10.00 received' }).waitFor()
  await s.until(() => paper().locator('.sums .last').allTextContents(), ['Total', '€110.00'])
  await s.page.getByRole('link', { name: 'Back to now' }).click()
  await s.until(() => paper().locator('.sums .last').allTextContents(), ['Balance due', '€100.00'])
})

test('a version that is not there yet says so, and appears when it is', async () => {
  four()
  await s.open('/invoices/i1/history?version=5')
  await s.page.getByText('There is no version 5 yet').waitFor()
  assert.deepEqual(await violations(s.page), [])
  s.product.command('i1', 'VoidInvoice', { reason: 'Issued twice' })
  await says('Version 5 of 5, as it is now')
  await s.page.locator('.moment').getByText('Void', { exact: true }).first().waitFor()
})

test('an invoice with one version has nothing to compare', async () => {
  s.draft('i1')
  await s.open('/invoices/i1/history')
  await says('Version 1 of 1, as it is now')
  assert.equal(await s.page.getByLabel('Compare with').count(), 0)
})

test('on a phone the paper comes first, and nothing is wider than the page', async () => {
  four()
  for (const width of [phone.width, 320]) {
    await s.page.setViewportSize({ width, height: 800 })
    await s.open('/invoices/i1/history?version=2')
    await s.until(told, ['Line “Hosting”now: 2 × 5', 'Totalbefore: €100.00 → now: €110.00', 'Balance duebefore: €100.00 → now: €110.00'])
    assert.deepEqual(await violations(s.page), [])
    const [above, below] = await Promise.all(['.document', '.history'].map((of) => s.page.locator(of).evaluate((e) => e.getBoundingClientRect().top)))
    assert.ok(above < below)
    assert.equal(await s.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0)
  }
})

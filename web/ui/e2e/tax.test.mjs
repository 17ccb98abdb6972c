// Tax, discounts and prices: what is typed is what is sent, what is shown adds up, and saving something else loses none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phone, violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()
const field = (name) => s.page.getByLabel(name, { exact: true })
const sums = () => s.page.locator('.sums').evaluate((list) => [...list.querySelectorAll('dt')].map((dt) => `${dt.textContent}: ${dt.nextElementSibling.textContent}`))
const state = (id) => s.product.invoices.get(id).state

const taxed = {
  lines: [
    { description: 'Work', quantity: '2', unitPrice: '12.50', discount: { percent: '10', reason: 'loyalty' }, tax: { category: 'S', rate: '19' } },
    { description: 'Course', quantity: '0.5', unitPrice: '9.99', charge: { amount: '1.00' }, tax: { category: 'E' } },
  ],
  pricing: { discounts: [{ percent: '10' }], charges: [{ amount: '3.00', reason: 'freight' }], exemptions: [{ category: 'E', reason: 'Article 132' }] },
}

test('a new invoice is taxed and discounted, and its totals are shown as they are typed', async () => {
  await s.open('/new')
  await field('Name').fill('Acme')
  await field('Currency').selectOption('EUR')
  await field('Description of line 1').fill('Work')
  await field('Quantity of line 1').fill('2')
  await field('Unit price of line 1').fill('12.50')
  await field('Tax of line 1').selectOption('Taxed')
  await field('Tax rate in percent of line 1').fill('19')
  await s.button('Discount and surcharge of line 1').click()
  await field('Discount of line 1').fill('10 %')
  await field('Reason of the discount of line 1').fill('loyalty')
  await s.button('Add line').click()
  await s.valueIs(field('Tax rate in percent of line 2'), '19') // as the one before
  await field('Description of line 2').fill('Course')
  await field('Unit price of line 2').fill('5')
  await field('Tax of line 2').selectOption('Exempt')
  await field('Reason for “Exempt”').fill('Article 132')
  await s.button('Add surcharge').click()
  await s.focusIs('adjustment-1')
  await field('Surcharge of the invoice').fill('3')
  await s.button('Add discount').click()
  await field('Discount of the invoice').fill('10%')
  await s.page.getByText('€32.06').waitFor()
  const expected = [
    'Lines: €27.50', 'Surcharge: €3.00', 'Discount 10 %: -€2.75', 'Net: €27.75', 'Tax, 19 % of €22.70: €4.31',
    'Exempt, €5.05 (Article 132): €0.00', 'Total: €32.06',
  ]
  await s.until(sums, expected)
  assert.deepEqual(await violations(s.page), [])
  await s.button('Create draft').click()
  await s.page.getByRole('heading', { name: 'Acme', level: 1 }).waitFor()
  await s.until(sums, expected)
  await s.page.getByText('Discount 10 %, loyalty').waitFor()
  assert.deepEqual(await violations(s.page), [])
})

test('saving something else keeps tax, discounts and charges, and they can be removed', async () => {
  s.draft('i1', taxed)
  const before = state('i1')
  await s.open('/invoices/i1/edit')
  await field('Name').fill('Acme Ltd')
  await s.button('Save changes').click()
  await s.page.getByRole('heading', { name: 'Acme Ltd', level: 1 }).waitFor()
  assert.deepEqual(state('i1'), { ...before, customer: { ...before.customer, name: 'Acme Ltd' } })
  await s.open('/invoices/i1/edit')
  await field('Tax of line 1').selectOption('No tax')
  await field('Tax of line 2').selectOption('No tax')
  await field('Discount of line 1').fill('')
  await field('Surcharge of line 2').fill('')
  await s.button('Remove surcharge 2').click()
  await s.focusIs('Add discount')
  await s.button('Remove discount 1').click()
  await s.button('Save changes').click()
  await s.page.getByRole('link', { name: 'Edit draft' }).waitFor()
  const { lines, pricing, totals, total } = state('i1')
  assert.deepEqual([lines.map((l) => l.tax ?? l.discount ?? l.charge), totals, total.amount], [[undefined, undefined], undefined, '30.00'])
  assert.deepEqual([pricing.discounts, pricing.charges], [undefined, undefined])
})

test('prices that include tax are what is to be paid', async () => {
  s.draft('i1', { lines: [{ description: 'Work', quantity: '1', unitPrice: '22.50', tax: { category: 'S', rate: '19' } }] })
  await s.open('/invoices/i1/edit')
  await s.page.getByText('€26.78').waitFor()
  await field('Prices include tax').check()
  await s.page.locator('.sums').getByText('€18.91', { exact: true }).waitFor()
  await s.until(sums, ['Lines, with tax: €22.50', 'Net: €18.91', 'Tax, 19 % of €18.91: €3.59', 'Total: €22.50'])
  await s.button('Save changes').click()
  await s.page.getByRole('link', { name: 'Edit draft' }).waitFor()
  assert.equal(state('i1').total.amount, '22.50')
})

test('mistakes are marked where they were typed, on a phone as well', async () => {
  await s.page.setViewportSize(phone)
  s.draft('i1', taxed)
  await s.open('/invoices/i1/edit')
  await field('Tax rate in percent of line 1').fill('0')
  await field('Discount of line 1').fill('ten')
  await field('Discount of the invoice').fill('1,234')
  await s.button('Save changes').click()
  await s.until(() => s.page.locator('[aria-invalid=true]').count(), 3)
  await s.focusIs('Discount of line 1')
  assert.deepEqual(await violations(s.page), [])
  assert.equal(await s.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true)
  await s.page.getByRole('button', { name: '1234', exact: true }).click()
  await s.valueIs(field('Discount of the invoice'), '1234')
})

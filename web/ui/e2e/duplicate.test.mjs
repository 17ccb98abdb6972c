// An invoice that was sent is no dead end: another one begins as its copy.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phone, violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()
const field = (name) => s.page.getByLabel(name)
const lines = [{ description: 'Work', quantity: '2', unitPrice: '12.50', tax: { category: 'S', rate: '19' } }]

for (const [screen, viewport] of Object.entries({ desktop: undefined, phone })) {
  test(`a void invoice is duplicated and corrected, on a ${screen}`, async () => {
    if (viewport) await s.page.setViewportSize(viewport)
    s.product.command(s.sent('i/1', { lines }), 'VoidInvoice', { reason: 'Wrong price' })
    await s.open('/invoices/i%2F1')
    await s.page.getByRole('link', { name: 'Duplicate' }).click()
    await s.valueIs(field('Name'), 'Acme')
    await s.valueIs(field('Unit price of line 1'), '12.50')
    assert.deepEqual(await violations(s.page), [])
    await field('Unit price of line 1').fill('11')
    await s.button('Create draft').click()
    await s.page.getByText('Draft total').waitFor()
    const [, created] = [...s.product.invoices].at(-1)
    assert.deepEqual(created.state.lines.map((l) => [l.description, l.quantity, l.unitPrice, l.tax]), [['Work', '2', '11', lines[0].tax]])
    assert.equal(s.product.invoices.get('i/1').state.status, 'void')
  })
}

test('a new invoice that was begun is not lost by a copy', async () => {
  s.sent('i1')
  await s.open('/new')
  await field('Name').fill('Begun before')
  await s.open('/invoices/i1')
  await s.page.getByRole('link', { name: 'Duplicate' }).waitFor() // whose key is there when it is
  await s.page.keyboard.press('c')
  await s.page.getByText('What you typed before was restored').waitFor()
  await s.valueIs(field('Name'), 'Begun before')
  await s.button('Discard it and start anew').click()
  await s.button('Discard').click()
  await s.valueIs(field('Name'), 'Acme')
})

test('what cannot be copied is said', async () => {
  await s.open('/new?copy=nothing')
  await s.page.getByText('There is no such invoice').waitFor()
})

// What a person has typed is not lost: not by leaving, not by a reload, not by a conflict.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()
const field = (name) => s.page.getByLabel(name)
const saving = () => s.page.getByText(/Saving…|Accepted by Kafka/).first().waitFor() // two seconds part them: either is on its way
const restored = () => s.page.getByText('What you typed before was restored')

test('a new invoice survives leaving and a reload, and is forgotten when it is created', async () => {
  await s.open('/new')
  await field('Name').fill('Acme')
  await field('Unit price of line 1').fill('12')
  await s.page.getByRole('link', { name: 'Invoices' }).first().click()
  await s.page.getByRole('link', { name: 'New invoice' }).first().click()
  await restored().waitFor()
  await s.valueIs(field('Name'), 'Acme')
  await field('Description of line 1').fill('Work')
  await s.page.reload()
  await restored().waitFor()
  await s.valueIs(field('Description of line 1'), 'Work')
  assert.deepEqual(await violations(s.page), [])
  await s.button('Create draft').click()
  await s.page.getByRole('heading', { name: 'Acme', level: 1 }).waitFor()
  await s.open('/new')
  await s.valueIs(field('Name'), '')
  await s.none(restored())
})

test('an edit survives a reload, is restored with a notice, and can be discarded', async () => {
  s.draft('i1')
  await s.open('/invoices/i1/edit')
  await field('Name').fill('Acme Ltd')
  await s.button('Remove line 1').click()
  await s.page.reload()
  await restored().waitFor()
  await s.valueIs(field('Name'), 'Acme Ltd')
  await s.button('Discard it and start anew').click()
  await s.focusIs('Keep it')
  assert.deepEqual(await violations(s.page), [])
  await s.page.keyboard.press('Escape')
  await s.valueIs(field('Name'), 'Acme Ltd')
  await s.button('Discard it and start anew').click()
  await s.button('Discard').click()
  await restored().waitFor({ state: 'detached' })
  await s.valueIs(field('Name'), 'Acme')
  await s.valueIs(field('Description of line 1'), 'Work')
})

test('an edit that was typed back to what is saved is no unsaved work', async () => {
  s.draft('i1')
  await s.open('/invoices/i1/edit')
  await field('Name').fill('Acme Ltd')
  await field('Name').fill('Acme')
  await s.page.reload()
  await field('Name').waitFor()
  await s.none(restored())
})

test('text that the server writes in another way is saved, not unsaved work', async () => {
  s.draft('i1')
  await s.open('/invoices/i1/edit')
  await field('Name').fill('Cafe\u0301')
  await s.button('Save changes').click()
  await s.page.getByRole('heading', { name: 'Caf\u00e9', level: 1 }).waitFor()
  await s.open('/new')
  await field('Name').fill('Cafe\u0301')
  await s.button('Create draft').click()
  await s.page.getByRole('link', { name: 'Edit draft' }).waitFor()
  await s.until(() => s.page.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith('eventim.work'))), [])
})

test('an edit is one command, and what is typed while it is saved stays', async () => {
  s.draft('i1')
  await s.open('/invoices/i1/edit')
  s.product.handlerDown = true
  await field('Name').fill('Acme Ltd')
  await field('Unit price of line 1').fill('7')
  await s.button('Add line').click()
  await field('Description of line 2').fill('More')
  await field('Unit price of line 2').fill('1')
  await s.button('Save changes').click()
  await saving()
  assert.equal(s.product.queue.length, 1)
  await field('E-mail').fill('late@example.com')
  s.product.handlerDown = false
  await restored().waitFor()
  await s.valueIs(field('E-mail'), 'late@example.com')
  await s.until(() => s.page.getByLabel(/^Description of line/).count(), 2)
  await s.button('Save changes').click()
  await s.page.getByRole('heading', { name: 'Acme Ltd', level: 1 }).waitFor()
  const { customer, lines } = s.product.invoices.get('i1').state
  assert.deepEqual([customer.email, lines.map((l) => l.id)], ['late@example.com', ['1', '2']])
})

test('a reload while an edit is being saved leads to its result', async () => {
  s.draft('i1')
  await s.open('/invoices/i1/edit')
  s.product.handlerDown = true
  await field('Name').fill('Acme Ltd')
  await s.button('Save changes').click()
  await saving()
  await s.page.reload()
  await saving()
  await s.valueIs(field('Name'), 'Acme Ltd')
  s.product.handlerDown = false
  await s.page.getByRole('heading', { name: 'Acme Ltd', level: 1 }).waitFor()
})

test('an invoice that is refused after its form was left is filled in again, and another one is not mixed up with it', async () => {
  await s.open('/new')
  s.product.handlerDown = true
  await field('Name').fill('refused by the server')
  await s.button('Create draft').click()
  await saving()
  await s.page.getByRole('link', { name: 'Leave' }).click()
  await s.page.getByRole('link', { name: 'New invoice' }).first().click()
  await s.valueIs(field('Name'), '')
  await s.none(restored())
  await s.page.getByRole('link', { name: 'Invoices' }).first().click()
  s.product.handlerDown = false
  await s.page.getByText('Create the invoice for refused by the server').click()
  await restored().waitFor()
  await s.valueIs(field('Name'), 'refused by the server')
})

test('where the browser keeps nothing, leaving asks', async () => {
  await s.context.addInitScript(() => (Storage.prototype.setItem = () => { throw new Error('forbidden') }))
  await s.open('/new')
  await field('Name').fill('Acme')
  let asked = ''
  s.page.on('dialog', (d) => {
    asked = d.type()
    void d.accept()
  })
  await s.page.reload()
  assert.equal(asked, 'beforeunload')
})

test('a payment survives a reload, and is forgotten when it is cancelled', async () => {
  s.sent('i1')
  await s.open('/invoices/i1')
  await s.button('Record payment').click()
  await s.dialog().getByLabel('Amount').fill('33')
  await s.dialog().getByLabel('Reference').fill('Transfer 7')
  await s.page.reload()
  await s.button('Record payment').click()
  await s.dialog().getByText('What you typed before was restored').waitFor()
  assert.deepEqual(await violations(s.page), [])
  await s.valueIs(s.dialog().getByLabel('Reference'), 'Transfer 7')
  await s.page.keyboard.press('Escape') // a slip, not a decision
  await s.button('Record payment').click()
  await s.valueIs(s.dialog().getByLabel('Amount'), '33')
  await s.dialog().getByRole('button', { name: 'Cancel' }).click()
  await s.button('Record payment').click()
  await s.valueIs(s.dialog().getByLabel('Amount'), '100.00')
})

/** Two people edit the same draft: here by the form, there by command. */
async function clash() {
  const lines = [{ description: 'Work', quantity: '1', unitPrice: '100' }, { description: 'Travel', quantity: '1', unitPrice: '50' }]
  s.draft('i1', { lines })
  await s.open('/invoices/i1/edit')
  await field('Name').fill('Acme Ltd')
  await field('E-mail').fill('mine@example.com')
  await field('Unit price of line 1').fill('110')
  await field('Unit price of line 2').fill('55')
  const customer = { name: 'Acme Inc', email: '', address: 'There' }
  const theirs = [{ id: '1', description: 'Hard work', quantity: '1', unitPrice: '120' }]
  s.product.actor = 'bob@example.com'
  s.product.command('i1', 'ReviseDraft', { customer, issueDate: '2026-01-01', dueDate: '2035-01-01', lines: theirs })
  await s.page.getByText('Somebody changed this invoice while you were editing').waitFor()
  await s.button('Save changes').click()
  await s.dialog().getByText('Both changed').first().waitFor()
}

const rowOf = (label) => s.dialog().getByRole('row').filter({ has: s.page.getByRole('rowheader', { name: label }) })

test('a conflict shows each field as it was, as theirs and as yours, to choose from', async () => {
  await clash()
  const texts = async (label) => (await rowOf(label).getByRole('cell').allTextContents()).map((t) => t.trim())
  await s.until(() => texts('Name'), ['Acme', 'Acme Inc', 'Acme Ltd'])
  await s.until(() => texts('E-mail'), ['–', '–', 'mine@example.com'])
  await s.until(() => texts('Address'), ['–', 'There', '–'])
  await s.until(() => texts('Line “Work”, unit price'), ['100', '120', '110'])
  await s.until(() => texts('Line “Travel”'), ['Travel: 1 × 50', 'removed', 'Travel: 1 × 55'])
  assert.deepEqual(await violations(s.page), [])
  await rowOf('Name').getByRole('radio', { name: /theirs/ }).check()
  await rowOf('Line “Work”, unit price').getByRole('radio', { name: /theirs/ }).check()
  await s.button('Save these').click()
  await s.page.getByRole('heading', { name: 'Acme Inc', level: 1 }).waitFor()
  const { customer, lines } = s.product.invoices.get('i1').state
  assert.deepEqual(customer, { name: 'Acme Inc', email: 'mine@example.com', address: 'There' })
  assert.deepEqual(lines.map((l) => [l.description, l.unitPrice]), [['Hard work', '120'], ['Travel', '55']])
  await s.dialog().waitFor({ state: 'detached' })
})

test('a number that comes while a payment is typed is no conflict', async () => {
  s.sent('i1')
  await s.open('/invoices/i1')
  await s.button('Record payment').click() // looks at this version from now on
  s.product.command('i1', 'RecordNumber', { series: 'default.invoice.2026', number: '2026-0042' })
  await s.page.locator('.meta').getByText('Invoice 2026-0042').waitFor()
  await s.dialog().getByLabel('Amount').fill('30')
  await s.dialog().getByRole('button', { name: 'Record payment' }).click()
  await s.page.getByRole('region', { name: 'Balance' }).getByText('€70.00').waitFor()
  await s.dialog().waitFor({ state: 'detached' })
  assert.equal(s.product.invoices.get('i1').state.payments.length, 1)
})

test('Escape out of a conflict throws nothing away, and saving asks again', async () => {
  await clash()
  await s.page.keyboard.press('Escape')
  await s.dialog().waitFor({ state: 'detached' })
  await s.valueIs(field('Name'), 'Acme Ltd')
  await s.valueIs(field('Unit price of line 2'), '55')
  await s.page.reload()
  await restored().waitFor()
  await s.valueIs(field('Name'), 'Acme Ltd')
  await s.button('Save changes').click()
  await s.button('Discard my change').click()
  await s.page.getByRole('heading', { name: 'Acme Inc', level: 1 }).waitFor()
  await s.open('/invoices/i1/edit')
  await s.none(restored())
})

test('what was typed into a draft that somebody sent stays to be read', async () => {
  s.draft('i1')
  await s.open('/invoices/i1/edit')
  await field('Name').fill('Acme Ltd')
  s.product.command('i1', 'SendInvoice', {})
  await s.page.getByText('not a draft any more').first().waitFor()
  await s.valueIs(field('Name'), 'Acme Ltd')
  await s.button('Save changes').click()
  await s.dialog().getByText('It is not a draft any more').waitFor()
  assert.deepEqual(await violations(s.page), [])
  await s.page.keyboard.press('Escape')
  await s.valueIs(field('Name'), 'Acme Ltd')
})

test('a payment that came too late shows what was owed, what is, and what would be left; Escape keeps it', async () => {
  s.sent('i1')
  await s.open('/invoices/i1')
  await s.button('Record payment').click()
  s.product.command('i1', 'ReceivePayment', { amount: { amount: '30', currency: 'EUR' }, date: '2026-01-01', reference: '' })
  await s.dialog().getByLabel('Amount').fill('60')
  await s.dialog().getByRole('button', { name: 'Record payment' }).click()
  await rowOf('Still owed').waitFor()
  await s.until(() => rowOf('Still owed').getByRole('cell').allTextContents(), ['€100.00', '€70.00', '€10.00'])
  assert.deepEqual(await violations(s.page), [])
  await s.page.keyboard.press('Escape')
  await s.page.getByText('Nothing is lost').waitFor()
  await s.button('Record payment').click()
  await s.valueIs(s.dialog().getByLabel('Amount'), '60')
  await s.dialog().getByRole('button', { name: 'Record payment' }).click()
  await s.page.getByRole('region', { name: 'Balance' }).getByText('€10.00').waitFor()
})

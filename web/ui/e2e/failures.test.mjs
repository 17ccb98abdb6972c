// What a person sees when a part of the product is away, each part switched off for itself.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { desktop, launch, ready, watchErrors } from './browser.mjs'
import { Product } from './double.mjs'

let browser
let context
let page
let product
let errors
const id = '01998b5e-8d8c-7cc1-a2a1-0f2c6f4b7a10'

before(async () => (browser = await launch()))
after(() => browser?.close())

beforeEach(async () => {
  product = new Product()
  const lines = [{ description: 'Work', quantity: '1', unitPrice: '100' }]
  const customer = { name: 'Acme', email: '', address: '' }
  product.command(id, 'CreateInvoice', { customer, currency: 'EUR', issueDate: '2026-01-01', dueDate: '2035-01-01', lines })
  product.command(id, 'SendInvoice', {})
  context = await browser.newContext({ viewport: desktop, locale: 'en-US' })
  await product.attach(context)
  page = await context.newPage()
  errors = []
  watchErrors(page, errors)
})

afterEach(async () => {
  await context.close()
  assert.deepEqual(errors, [])
})

const dialog = () => page.getByRole('dialog')
const owed = () => page.getByRole('region', { name: 'Balance' })
const banner = (text) => page.locator('.banners').getByText(text)

async function open(path) {
  await page.goto(`http://localhost${path}`)
  await page.getByText(/^(Live|Reconnecting…|Connecting…)$/).first().waitFor()
}

async function openLive(path) {
  await page.goto(`http://localhost${path}`)
  await ready(page)
}

async function pay(amount) {
  await page.getByRole('button', { name: 'Record payment' }).click()
  await dialog().getByLabel('Amount').fill(amount)
  await dialog().getByRole('button', { name: 'Record payment' }).click()
}

/** Pays and lets go of the form. */
async function payAndLeave(amount) {
  await pay(amount)
  await dialog().getByRole('status').waitFor()
  await dialog().getByRole('button', { name: 'Close' }).click()
}

/** Writes down what the wait of a change says, from now on: each step is short, and whoever looks now and then misses one. */
async function steps() {
  await page.evaluate(() => {
    window.told = []
    const look = () => {
      const text = document.querySelector('dialog .waiting')?.textContent
      if (text && text !== window.told.at(-1)) window.told.push(text)
    }
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
  })
  return () => page.evaluate(() => window.told)
}

test('handler down: the wait is told in three steps, and ends by itself', async () => {
  await openLive(`/invoices/${id}`)
  product.handlerDown = true
  const told = await steps()
  await pay('30')
  await dialog().getByText('safely stored and will be handled as soon as the handler is back').waitFor({ timeout: 15_000 })
  assert.deepEqual((await told()).map((text) => text.split(/[,;…]| and/)[0]), ['Saving', 'Accepted by Kafka', 'The command is safely stored'])
  await dialog().getByRole('button', { name: 'Close' }).click()
  await page.getByRole('link', { name: 'Invoices' }).first().click()
  await banner('safely stored').waitFor()
  product.handlerDown = false
  await page.getByText('Payment of €30.00 recorded').waitFor()
  await banner('safely stored').waitFor({ state: 'detached' })
  await page.getByRole('row').filter({ hasText: 'Acme' }).getByText('€70.00').waitFor()
})

test('handler down while an invoice is created: it is in the list as being saved', async () => {
  await openLive('/new')
  product.handlerDown = true
  await page.getByLabel('Name').fill('Beta')
  await page.getByLabel('Description of line 1').fill('Work')
  await page.getByLabel('Unit price of line 1').fill('5')
  await page.getByRole('button', { name: 'Create draft' }).click()
  await page.getByRole('link', { name: 'Leave' }).click()
  await page.getByRole('table').getByRole('link', { name: 'Beta' }).click()
  await page.getByText('This invoice is being created').waitFor()
  product.handlerDown = false
  await page.getByRole('region', { name: 'Balance' }).getByText('5.00').waitFor()
})

test('a reload loses no pending change, and its rejection is told where no form is left', async () => {
  await openLive(`/invoices/${id}`)
  product.handlerDown = true
  await payAndLeave('30')
  await page.reload()
  await banner('Accepted by Kafka').waitFor()
  product.command(id, 'ReceivePayment', { amount: { amount: '90', currency: 'EUR' }, date: '2026-01-02', reference: '' })
  product.queue.unshift(product.queue.pop()) // the other payment was first
  product.handlerDown = false
  await dialog().getByText('This invoice changed in the meantime').waitFor()
  await dialog().getByText('Payment of €90.00 received').waitFor()
  await dialog().getByRole('button', { name: 'Apply to the latest version' }).click()
  await dialog().getByRole('alert').getByText('That is more than what is owed').waitFor()
  await dialog().getByRole('button', { name: 'Discard my change' }).click()
  await owed().getByText('€10.00').first().waitFor()
})

test('Postgres down: what was read stays, and commands still work', async () => {
  await openLive('/')
  await page.getByRole('row').filter({ hasText: 'Acme' }).waitFor()
  await page.getByRole('link', { name: 'Acme' }).click()
  await owed().getByText('€100.00').first().waitFor()
  product.databaseDown = true
  await pay('25')
  await owed().getByText('€75.00').waitFor() // the result carries the state
  await page.getByRole('link', { name: 'Invoices' }).first().click()
  await banner('The list can’t be read at the moment, commands still work.').waitFor()
  await page.getByRole('row').filter({ hasText: 'Acme' }).getByText('€75.00').waitFor()
  product.databaseDown = false
  await banner('The list can’t be read').waitFor({ state: 'detached' })
})

test('Postgres down from the start: the page says so, and fills by itself', async () => {
  product.databaseDown = true
  await openLive('/')
  await page.getByRole('heading', { name: 'The list can’t be read at the moment' }).waitFor()
  product.databaseDown = false
  await page.getByRole('row').filter({ hasText: 'Acme' }).waitFor()
})

test('Kafka down: the change is kept in the tab and goes out later, once', async () => {
  await openLive(`/invoices/${id}`)
  product.kafkaDown = true
  await payAndLeave('30')
  await banner('Changes can’t be stored at the moment').waitFor()
  product.kafkaDown = false
  await owed().getByText('€70.00').waitFor()
  await banner('Changes can’t be stored').waitFor({ state: 'detached' })
  assert.equal(product.invoices.get(id).state.payments.length, 1)
})

test('no websocket: commands go by POST, and the indicator says that it reconnects', async () => {
  product.socketsDown = true
  await open(`/invoices/${id}`)
  await page.getByText('Reconnecting…').waitFor()
  await pay('30')
  await owed().getByText('€70.00').waitFor()
  product.socketsDown = false
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 20_000 })
})

test('no server at all: the change survives a reload and is made once', async () => {
  await openLive(`/invoices/${id}`)
  product.socketsDown = true
  product.requestsDown = true
  product.dropSockets()
  await page.getByText('Reconnecting…').waitFor()
  await payAndLeave('30')
  await banner('Not stored yet: the server does not answer').waitFor()
  await page.reload()
  await banner('Not stored yet').waitFor()
  product.socketsDown = false
  product.requestsDown = false
  await owed().getByText('€70.00').waitFor({ timeout: 20_000 })
  assert.equal(product.invoices.get(id).state.payments.length, 1)
  assert.equal(new Set(product.seen.slice(2)).size, 1) // however often it was sent, under one id
})

test('a lost answer: the repeat has the same id and no second effect', async () => {
  await openLive(`/invoices/${id}`)
  product.handlerDown = true
  await payAndLeave('30')
  product.dropSockets()
  await page.getByText('Reconnecting…').waitFor()
  product.handlerDown = false // while nobody listens
  await owed().getByText('€70.00').waitFor({ timeout: 20_000 })
  assert.equal(product.invoices.get(id).state.payments.length, 1)
})

test('an edit that is refused saves nothing of it, keeps what was typed, and marks the line', async () => {
  const draft = id.replace('0199', '0200')
  const customer = { name: 'Gamma', email: '', address: '' }
  product.command(draft, 'CreateInvoice', { customer, currency: 'EUR', issueDate: '2026-01-01', dueDate: '2026-02-01', lines: [] })
  await openLive(`/invoices/${draft}/edit`)
  await page.getByLabel('Name').fill('Gamma & Co')
  await page.getByLabel('Description of line 1').fill('refused')
  await page.getByLabel('Unit price of line 1').fill('5')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Unit price of line 1').and(page.locator('[aria-invalid=true]:focus')).waitFor()
  assert.equal(product.invoices.get(draft).version, 1)
  await page.getByLabel('Description of line 1').fill('Work')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByRole('heading', { name: 'Gamma & Co', level: 1 }).waitFor()
  await owed().getByText('€5.00').waitFor()
  assert.equal(product.invoices.get(draft).version, 3) // created, details, line
})

test('somebody else changes a draft while it is edited: a notice at once, an explanation on saving', async () => {
  const draft = id.replace('0199', '0201')
  const customer = { name: 'Delta', email: '', address: '' }
  const dates = { issueDate: '2026-01-01', dueDate: '2026-02-01' }
  product.command(draft, 'CreateInvoice', { customer, currency: 'EUR', ...dates, lines: [] })
  await openLive(`/invoices/${draft}/edit`)
  product.actor = 'bob@example.com'
  product.command(draft, 'ChangeDetails', { customer: { ...customer, name: 'Delta Ltd' }, ...dates })
  await page.getByText('Somebody changed this invoice while you were editing.').waitFor()
  await page.getByLabel('E-mail').fill('delta@example.com')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await dialog().getByText('Details changed for Delta Ltd').waitFor()
  await dialog().getByText('by bob@example.com').waitFor()
  await dialog().getByRole('button', { name: 'Discard my change' }).click()
  await page.getByRole('heading', { name: 'Delta Ltd', level: 1 }).waitFor()
})

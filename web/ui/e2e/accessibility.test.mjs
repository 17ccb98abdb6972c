// Every page, dialog and failing state: axe finds nothing, light and dark, and nothing is wider than the screen.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { desktop, launch, phone, ready, until, violations } from './browser.mjs'
import { fill } from './demo.mjs'
import { Product } from './double.mjs'

let browser
before(async () => (browser = await launch()))
after(() => browser?.close())

const narrow = { width: 320, height: 640 } // WCAG 1.4.10: 1280 px at 400 %

const looks = [
  ['desktop, light', desktop, 'light'],
  ['desktop, dark', desktop, 'dark'],
  ['phone, light', phone, 'light'],
  ['narrow, dark', narrow, 'dark'],
]

const stalled = { state: 'stalled', partitions: [{ partition: 3, offset: 41, waiting: 7, since: '2026-01-02T03:04:05Z' }] }

const dialog = (page) => page.getByRole('dialog')
const press = (page, name) => page.getByRole('button', { name, exact: true }).first().click()

async function open(page, path) {
  await page.goto(`http://localhost${path}`)
  await ready(page)
}

async function pay(page, amount) {
  await press(page, 'Record payment')
  await dialog(page).getByLabel('Amount').fill(amount)
  await dialog(page).getByRole('button', { name: 'Record payment' }).click()
}

/** The states of the page, each reached as a person reaches it. */
const states = {
  'empty list': async (page) => {
    await open(page, '/')
    await page.getByText('No invoices yet').waitFor()
  },
  list: async (page, product) => {
    fill(product, 60)
    await open(page, '/')
    await page.getByText('Load more').waitFor()
  },
  'list without a match': async (page, product) => {
    fill(product, 2)
    await open(page, '/?q=nobody')
    await page.getByText('No invoice matches').waitFor()
  },
  'list without a database': async (page, product) => {
    product.databaseDown = true
    await open(page, '/')
    await page.getByText('It appears by itself').waitFor()
  },
  'editor with mistakes': async (page) => {
    await open(page, '/new')
    await page.getByLabel('Description of line 1').fill('Work')
    await page.getByLabel('Unit price of line 1').fill('1,234')
    await press(page, 'Create draft')
    await page.getByText('Enter the name').waitFor()
  },
  'editing a draft that somebody changes': async (page, product) => {
    fill(product, 5)
    const id = find(product, 'draft')
    await open(page, `/invoices/${id}/edit`)
    await page.getByLabel('Name').waitFor()
    const { customer, issueDate, dueDate } = product.invoices.get(id).state
    product.command(id, 'ChangeDetails', { customer: { ...customer, name: 'Other' }, issueDate, dueDate })
    await page.getByText('Somebody changed this invoice').waitFor()
  },
  'conflict of an edit': async (page, product) => {
    fill(product, 5)
    const id = find(product, 'draft')
    const { customer, issueDate, dueDate, lines } = product.invoices.get(id).state
    await open(page, `/invoices/${id}/edit`)
    await page.getByLabel('Name').fill('A name of mine, which is rather long for a column')
    await page.getByLabel('Unit price of line 1').fill('111')
    product.command(id, 'ReviseDraft', { customer: { ...customer, name: 'Other', address: 'Elsewhere\nTown' }, issueDate, dueDate, lines: [{ ...lines[0], unitPrice: '222' }] })
    await page.getByText('Somebody changed this invoice').waitFor()
    await press(page, 'Save changes')
    await dialog(page).getByText('Both changed').first().waitFor()
  },
  'restored work, with a number that is unclear': async (page) => {
    await open(page, '/new')
    await page.getByLabel('Name').fill('Acme')
    await page.getByLabel('Description of line 1').fill('Work')
    await page.getByLabel('Unit price of line 1').fill('1,250')
    await page.reload()
    await page.getByText('What you typed before was restored').waitFor()
    await press(page, 'Create draft')
    await page.getByText('can be read in two ways').waitFor()
  },
  'question before discarding': async (page) => {
    await open(page, '/new')
    await page.getByLabel('Name').fill('Acme')
    await press(page, 'Discard changes')
    await dialog(page).waitFor()
  },
  'draft that was sent while it was edited': async (page, product) => {
    fill(product, 5)
    const id = find(product, 'draft')
    await open(page, `/invoices/${id}/edit`)
    await page.getByLabel('Name').fill('Acme')
    product.command(id, 'SendInvoice', {})
    await page.getByText('can no longer be edited').waitFor()
  },
  'commands that nobody handles': async (page, product) => {
    fill(product, 5)
    product.handling = stalled
    await open(page, '/')
    await page.locator('.banners').getByText('are not being handled since').waitFor()
  },
  'page that cannot be drawn': async (page, product) => {
    fill(product, 5)
    const id = find(product, 'draft')
    product.invoices.get(id).state.lines = undefined
    await page.goto(`http://localhost/invoices/${id}`)
    await page.getByRole('heading', { name: 'This page cannot be shown' }).waitFor()
  },
  'server that is newer': async (page, product) => {
    fill(product, 5)
    await open(page, '/')
    product.tell({ type: 'later' })
    await page.getByText('The server is newer than this page').waitFor()
  },
  offline: async (page, product) => {
    fill(product, 5)
    await open(page, '/')
    await page.context().setOffline(true)
    await page.locator('.connection[data-state=offline]').waitFor({ state: 'attached' })
  },
  draft: async (page, product) => {
    fill(product, 5)
    await open(page, `/invoices/${find(product, 'draft')}`)
    await page.getByText('Draft total').waitFor()
  },
  'question before sending': async (page, product) => {
    await states.draft(page, product)
    await press(page, 'Mark as sent')
    await dialog(page).waitFor()
  },
  'question before deleting': async (page, product) => {
    await states.draft(page, product)
    await press(page, 'Delete draft')
    await dialog(page).waitFor()
  },
  'partially paid': async (page, product) => {
    fill(product, 5)
    await open(page, `/invoices/${find(product, 'partially_paid')}`)
    await page.getByText('Balance due').first().waitFor()
  },
  'written off': async (page, product) => {
    fill(product, 5)
    const id = find(product, 'partially_paid')
    product.command(id, 'WriteOffInvoice', { reason: 'The customer is insolvent' })
    await open(page, `/invoices/${id}`)
    await page.getByText('written off').first().waitFor()
  },
  void: async (page, product) => {
    fill(product, 5)
    const id = find(product, 'sent')
    product.command(id, 'VoidInvoice', { reason: 'Issued twice' })
    await open(page, `/invoices/${id}`)
    await page.getByText('Issued twice').waitFor()
  },
  'question before voiding': async (page, product) => {
    fill(product, 5)
    await open(page, `/invoices/${find(product, 'sent')}`)
    await press(page, 'Void')
    await dialog(page).getByRole('button', { name: 'Void invoice' }).click()
    await dialog(page).getByText('Say why').waitFor()
  },
  'question before writing off': async (page, product) => {
    await states['partially paid'](page, product)
    await press(page, 'Write off')
    await dialog(page).waitFor()
  },
  'rejected payment': async (page, product) => {
    await states['partially paid'](page, product)
    await pay(page, '99999999')
    await dialog(page).getByRole('alert').waitFor()
  },
  'stale version': async (page, product) => {
    await states['partially paid'](page, product)
    const id = find(product, 'partially_paid')
    await press(page, 'Record payment')
    const amount = { amount: '1', currency: product.invoices.get(id).state.currency }
    product.command(id, 'ReceivePayment', { amount, date: '2026-01-01', reference: 'Cash' })
    await dialog(page).getByRole('button', { name: 'Record payment' }).click()
    await dialog(page).getByText('What happened meanwhile').waitFor()
  },
  'waiting for the handler': async (page, product) => {
    await states['partially paid'](page, product)
    product.handlerDown = true
    await pay(page, '1')
    await dialog(page).getByText('Accepted by Kafka').waitFor()
    await dialog(page).getByRole('button', { name: 'Close' }).click()
    await page.locator('.banners').getByText('Accepted by Kafka').waitFor()
  },
  'without a connection': async (page, product) => {
    await states['partially paid'](page, product)
    product.socketsDown = true
    product.kafkaDown = true
    product.dropSockets()
    await page.getByText('Reconnecting…').waitFor()
    await pay(page, '1')
    await dialog(page).getByText('Not stored yet').waitFor()
    await dialog(page).getByRole('button', { name: 'Close' }).click()
  },
  history: async (page, product) => {
    fill(product, 5)
    await open(page, `/invoices/${find(product, 'partially_paid')}/history`)
    await page.getByText('InvoiceCreated as stored').click()
  },
  'the past': async (page, product) => {
    fill(product, 5)
    const id = find(product, 'partially_paid')
    await open(page, `/invoices/${id}/history?version=${product.invoices.get(id).version - 1}`)
    await page.getByText('You see version').waitFor()
    await page.locator('.changes dl').waitFor()
    await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' })
  },
  message: async (page, product) => {
    await states['partially paid'](page, product)
    await pay(page, '1')
    await page.getByText('recorded').waitFor()
  },
  'not found': async (page) => {
    await open(page, '/invoices/nothing')
    await page.getByText('There is no such invoice').waitFor()
  },
  palette: async (page, product) => {
    fill(product, 5)
    await open(page, '/')
    await page.keyboard.press('Control+k')
    await page.getByRole('option', { name: /^Record a payment of/ }).first().waitFor()
  },
  keyboard: async (page) => {
    await open(page, '/')
    await page.keyboard.press('?')
    await dialog(page).waitFor()
  },
}

function find(product, status) {
  return [...product.invoices].find(([, i]) => i.state.status === status)[0]
}

for (const [look, viewport, colorScheme] of looks) {
  describe(look, { concurrency: 1 }, () => {
    for (const [state, reach] of Object.entries(states)) {
      test(state, async () => {
        const product = new Product()
        const context = await browser.newContext({ viewport, colorScheme, locale: 'en-US', reducedMotion: 'reduce' })
        await product.attach(context)
        const page = await context.newPage()
        await reach(page, product)
        await page.evaluate(() => window.scrollTo(0, 0)) // what is half under the bar would count as too small
        assert.deepEqual(await violations(page), [])
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.equal(wider, 0, `${wider} px wider than the screen`)
        await context.close()
      })
    }
  })
}

test('the keyboard alone: a dialog takes the focus, keeps it, and gives it back', async () => {
  const product = new Product()
  const context = await browser.newContext({ viewport: desktop })
  await product.attach(context)
  const page = await context.newPage()
  await states.draft(page, product)
  await page.getByRole('button', { name: 'Delete draft' }).focus()
  await page.keyboard.press('Enter')
  await dialog(page).waitFor()
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press('Tab')
    const inside = await page.evaluate(() => document.activeElement === document.body || !!document.activeElement.closest('dialog'))
    assert.ok(inside, 'the focus left the dialog')
  }
  await page.keyboard.press('Escape')
  await dialog(page).waitFor({ state: 'detached' })
  await until(page, () => page.evaluate(() => document.activeElement.textContent), 'Delete draft')
  await context.close()
})

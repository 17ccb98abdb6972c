// The product from end to end, as a person uses it: browser, server, Kafka, handler, projector, Postgres.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { desktop, launch, ready, until, violations, watchErrors } from './browser.mjs'
import { Server } from './server.mjs'

let server
let browser
let context
let page // where things are done
let other // a second tab that only watches
const errors = []

before(async () => {
  server = await Server.create()
  await server.start()
  browser = await launch()
  context = await browser.newContext({ viewport: desktop, locale: 'en-US', baseURL: server.url })
  context.setDefaultTimeout(20_000)
  ;[page, other] = [await context.newPage(), await context.newPage()]
  for (const p of [page, other]) watchErrors(p, errors)
})

after(async () => {
  await browser?.close()
  await server?.remove()
})

const row = (p, name) => p.getByRole('row').filter({ has: p.getByRole('link', { name, exact: true }) })
const dialog = (p) => p.getByRole('dialog')

async function open(p, path) {
  await p.goto(path)
  await ready(p)
}

/** Creates a draft of one line over the amount and leaves the page on it. */
async function create(name, price) {
  await open(page, '/new')
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Currency').selectOption('EUR')
  await page.getByLabel('Description of line 1').fill('Work')
  await page.getByLabel('Unit price of line 1').fill(price)
  await page.getByRole('button', { name: 'Create draft' }).click()
  await page.getByRole('heading', { name, level: 1 }).waitFor()
  return new URL(page.url()).pathname
}

async function send() {
  await page.getByRole('button', { name: 'Mark as sent' }).click()
  await dialog(page).getByRole('button', { name: 'Mark as sent' }).click()
  await page.getByRole('button', { name: 'Record payment' }).waitFor()
  await page.locator('.meta').getByText(/^Invoice \d{4}-\d{4}$/).waitFor() // its number has come
}

async function pay(p, amount) {
  await p.getByRole('button', { name: 'Record payment' }).click()
  await dialog(p).getByLabel('Amount').fill(amount)
  await dialog(p).getByRole('button', { name: 'Record payment' }).click()
}

const owed = (p) => p.getByRole('region', { name: 'Balance' })

describe('an invoice', { concurrency: 1 }, () => {
  test('is created with the keyboard alone, and another tab shows it without a reload', async () => {
    await open(other, '/')
    await open(page, '/')
    await page.keyboard.press('n')
    await page.getByLabel('Name').focus()
    await page.keyboard.type('Ada Lovelace Ltd')
    await page.getByLabel('Currency').selectOption('EUR')
    await page.getByLabel('Description of line 1').focus()
    await page.keyboard.type('Analytical engine')
    await page.keyboard.press('Tab')
    await page.keyboard.type('3')
    await page.keyboard.press('Tab')
    await page.keyboard.type('33.335')
    await page.keyboard.press('Enter')
    await page.getByLabel('Description of line 2').and(page.locator(':focus')).waitFor()
    await page.keyboard.type('Notes')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.type('0,50')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('heading', { name: 'Ada Lovelace Ltd', level: 1 }).waitFor()
    await owed(page).getByText('€100.51').waitFor() // 100.005 → 100.01, and 0.50
    await row(other, 'Ada Lovelace Ltd').getByText('€100.51').first().waitFor()
  })

  test('is edited: details, lines changed, added and removed', async () => {
    await page.getByRole('link', { name: 'Edit draft' }).click()
    await page.getByLabel('Name').fill('Ada King')
    await page.getByLabel('Unit price of line 1').fill('100')
    await page.getByRole('button', { name: 'Remove line 2' }).click()
    await page.getByRole('button', { name: 'Add line' }).click()
    await page.getByLabel('Description of line 2').fill('Travel')
    await page.getByLabel('Unit price of line 2').fill('20')
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByRole('heading', { name: 'Ada King', level: 1 }).waitFor()
    await owed(page).getByText('€320.00').waitFor()
    await row(other, 'Ada King').getByText('€320.00').first().waitFor()
    await page.getByText('Version 5').waitFor()
  })

  test('is sent and partly paid, and the row in another tab follows', async () => {
    await send()
    await row(other, 'Ada King').getByText('Sent').waitFor()
    await pay(page, '20')
    await owed(page).getByText('€300.00').waitFor()
    await row(other, 'Ada King').getByText('Partially paid').waitFor()
    await row(other, 'Ada King').getByText('€300.00').waitFor()
  })

  test('refuses too much money, and says so at the field', async () => {
    await pay(page, '300.01')
    await dialog(page).getByRole('alert').getByText('That is more than what is owed').waitFor()
    const message = await dialog(page).locator('.wrong').textContent()
    assert.match(message, /more than the balance of 300\.00 EUR/)
    await dialog(page).getByRole('button', { name: 'Cancel' }).click()
  })

  test('a stale version is explained, and can be applied to the latest one', async () => {
    await open(other, new URL(page.url()).pathname)
    await page.getByRole('button', { name: 'Record payment' }).click() // looks at this version from now on
    await pay(other, '50')
    await owed(other).getByText('€250.00').waitFor()
    await owed(page).getByText('€250.00').waitFor()
    await dialog(page).getByLabel('Amount').fill('100')
    await dialog(page).getByRole('button', { name: 'Record payment' }).click()
    await dialog(page).getByText('This invoice changed in the meantime').waitFor()
    await dialog(page).getByText('Payment of €50.00 received').waitFor()
    await dialog(page).getByText('Record the payment of €100.00').waitFor()
    assert.deepEqual(await violations(page), [])
    await dialog(page).getByRole('button', { name: 'Apply to the latest version' }).click()
    await owed(page).getByText('€150.00').waitFor()
    await dialog(page).waitFor({ state: 'detached' })
  })

  test('a stale change can be discarded', async () => {
    await other.getByRole('button', { name: 'Record payment' }).click()
    await pay(page, '50')
    await owed(page).getByText('€100.00').waitFor()
    await owed(other).getByText('€100.00').waitFor()
    await dialog(other).getByRole('button', { name: 'Record payment' }).click()
    await dialog(other).getByRole('button', { name: 'Discard my change' }).click()
    await dialog(other).waitFor({ state: 'detached' })
    await owed(other).getByText('€100.00').waitFor()
  })

  test('is paid in full, and its history tells everything in order', async () => {
    await pay(page, '100')
    await page.locator('.heading').getByText('Paid', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'History' }).click()
    await page.getByText('Invoice paid in full').waitFor()
    const told = async () => (await page.locator('.history > li > div > p:first-child').allTextContents()).map((t) => t.replace(/, due .*/, '').replace(/\d{4}-\d{4}/, 'N'))
    await until(page, told, [
      'Draft created for Ada Lovelace Ltd with 2 lines',
      'Details changed for Ada King',
      'Line 2 removed',
      'Line changed “Analytical engine”: 3 × 100',
      'Line added “Travel”: 1 × 20',
      'Invoice marked as sent: €320.00 to be paid',
      'Number N given',
      'Payment of €20.00 received',
      'Payment of €50.00 received',
      'Payment of €100.00 received',
      'Payment of €50.00 received',
      'Payment of €100.00 received',
      'Invoice paid in full',
    ])
    await page.getByText('InvoicePaid as stored').click()
    await page.getByText('"type": "InvoicePaid"').waitFor()
    await page.reload()
    await page.getByText('Invoice paid in full').waitFor()
  })

  test('is deleted while a draft, after a question', async () => {
    await open(other, '/')
    await create('Short Lived Inc', '5')
    await row(other, 'Short Lived Inc').waitFor()
    await page.getByRole('button', { name: 'Delete draft' }).click()
    await dialog(page).getByRole('button', { name: 'Delete draft' }).click()
    await page.getByRole('heading', { name: 'Invoices', level: 1 }).waitFor()
    await row(page, 'Short Lived Inc').waitFor({ state: 'detached' })
    await row(other, 'Short Lived Inc').waitFor({ state: 'detached' })
  })
})

describe('an invoice that nobody will pay', { concurrency: 1 }, () => {
  test('is voided with the keyboard alone, after a reason was given', async () => {
    await open(other, '/')
    const path = await create('Issued Twice Ltd', '12')
    await send()
    await page.keyboard.press('v')
    await dialog(page).getByLabel('Reason').and(page.locator(':focus')).waitFor()
    await page.keyboard.press('Enter')
    await dialog(page).getByText('Say why').waitFor()
    await page.keyboard.type('Issued twice')
    await page.keyboard.press('Enter')
    await page.locator('.heading').getByText('Void', { exact: true }).waitFor()
    await owed(page).getByText('€0.00').waitFor()
    await owed(page).getByText('Issued twice').waitFor()
    await page.getByRole('button', { name: 'Record payment', exact: true }).waitFor({ state: 'detached' })
    await row(other, 'Issued Twice Ltd').getByText('Void').waitFor()
    await row(other, 'Issued Twice Ltd').getByText('€0.00').waitFor()
    assert.deepEqual(await violations(page), [])
    await open(page, `${path}/history`)
    await page.getByText('Invoice voided: Issued twice').waitFor()
  })

  test('is written off, and money that comes later makes the loss smaller', async () => {
    await open(other, '/')
    await create('Insolvent GmbH', '50')
    await send()
    await pay(page, '10')
    await owed(page).getByText('€40.00').waitFor()
    await page.getByRole('button', { name: 'Void', exact: true }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Write off' }).click()
    await dialog(page).getByText('€40.00').waitFor()
    await dialog(page).getByLabel('Reason').fill('Insolvent')
    await dialog(page).getByRole('button', { name: 'Write off' }).click()
    await page.locator('.heading').getByText('Written off', { exact: true }).waitFor()
    await owed(page).getByText('€40.00 written off').waitFor()
    await row(other, 'Insolvent GmbH').getByText('Written off').waitFor()
    await pay(page, '15')
    await owed(page).getByText('€25.00 written off').waitFor()
    assert.deepEqual(await violations(page), [])
    await pay(page, '25.01')
    await dialog(page).getByText('more than the 25.00 EUR that were written off').waitFor()
    await dialog(page).getByLabel('Amount').fill('25')
    await dialog(page).getByRole('button', { name: 'Record payment' }).click()
    await page.locator('.heading').getByText('Paid', { exact: true }).waitFor()
  })

  test('is found by its status', async () => {
    await open(page, '/')
    await page.getByRole('link', { name: 'Void', exact: true }).click()
    await row(page, 'Issued Twice Ltd').waitFor()
    await row(page, 'Insolvent GmbH').waitFor({ state: 'detached' })
  })
})

test('the list is searched and filtered, and the URL keeps the filter', async () => {
  await create('Grace Hopper Systems', '7')
  await open(page, '/')
  await page.keyboard.press('/')
  await page.keyboard.type('hopper')
  await row(page, 'Ada King').waitFor({ state: 'detached' })
  await row(page, 'Grace Hopper Systems').waitFor()
  await page.waitForURL('**/?q=hopper')
  await page.getByRole('link', { name: 'Paid', exact: true }).click()
  await page.getByText('No invoice matches').waitFor()
  await page.reload()
  await page.getByText('No invoice matches').waitFor()
  await page.getByRole('link', { name: 'Draft', exact: true }).click()
  await row(page, 'Grace Hopper Systems').waitFor()
  await page.getByRole('region', { name: 'Totals by currency' }).getByText('1 invoice', { exact: false }).waitFor()
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export as CSV' }).click()])
  assert.match(file.suggestedFilename(), /^invoices-\d{4}-\d{2}-\d{2}\.csv$/)
  const lines = (await readFile(await file.path(), 'utf8')).trimEnd().split('\r\n')
  assert.equal(lines.length, 2)
  assert.match(lines[1], /,draft,false,Grace Hopper Systems,.*,EUR,7\.00,0\.00,7\.00,/)
})

test('an invoice of any id is found by its links', async () => {
  const customer = { email: '', address: '' }
  for (const id of ['2026/001', '50%', 'a?b#c', '%2F']) {
    const name = `Customer of ${id}`
    const data = { customer: { ...customer, name }, currency: 'EUR', issueDate: '2026-01-01', dueDate: '2026-02-01', lines: [] }
    const path = `${server.url}/api/invoices/${encodeURIComponent(id)}/commands/CreateInvoice`
    const answer = await context.request.post(path, { data, headers: { Prefer: 'wait=20' } })
    assert.equal(answer.status(), 200, await answer.text())
    await open(page, '/')
    await page.getByRole('link', { name, exact: true }).click()
    await page.getByRole('link', { name: 'History' }).click()
    await page.getByText(`Draft created for ${name}`).waitFor()
    await page.reload()
    await page.getByText(`Draft created for ${name}`).waitFor()
  }
})

test('a power cut of the server: the page reconnects, and what was on its way arrives', async () => {
  await create('Phoenix GmbH', '40')
  await send()
  await server.kill()
  await page.getByText('Reconnecting…').waitFor()
  await pay(page, '15')
  await dialog(page).getByText('Not stored yet').waitFor()
  await dialog(page).getByRole('button', { name: 'Close' }).click()
  await server.start()
  await owed(page).getByText('€25.00').waitFor({ timeout: 60_000 })
  await ready(page)
  await page.getByText('Payment of €15.00 recorded').waitFor()
  await page.reload()
  await owed(page).getByText('€25.00').waitFor()
  await until(page, () => page.locator('.payments li').count(), 1)
})

test('nothing in the page failed', () => {
  assert.deepEqual(errors, [])
})

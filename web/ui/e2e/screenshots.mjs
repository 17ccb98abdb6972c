// Pictures of the page in its states, into e2e/shots (or the folder that is named), to be looked at.
import { mkdir } from 'node:fs/promises'
import { desktop, launch, phone } from './browser.mjs'
import { fill } from './demo.mjs'
import { Product } from './double.mjs'

const folder = process.argv[2] ?? new URL('./shots', import.meta.url).pathname
await mkdir(folder, { recursive: true })
const browser = await launch()

async function shoot(size, look, colorScheme) {
  const product = new Product()
  const context = await browser.newContext({ viewport: size, colorScheme, deviceScaleFactor: 1 })
  await product.attach(context)
  const page = await context.newPage()
  page.on('pageerror', (error) => console.error(look, error))
  page.on('console', (message) => message.type() === 'error' && console.error(look, message.text()))
  const picture = async (name, fullPage = false) => {
    await page.evaluate(() => document.fonts.ready)
    if (fullPage) await page.evaluate(() => window.scrollTo(0, 0))
    await page.waitForTimeout(250)
    await page.screenshot({ path: `${folder}/${look}-${name}.png`, fullPage })
  }
  const open = async (path) => {
    await page.goto(`http://localhost${path}`)
    await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' })
  }

  await open('/')
  await page.getByText('No invoices yet').waitFor()
  await picture('empty')
  fill(product, 60)
  await page.getByText('Load more').waitFor()
  await page.waitForTimeout(2_000)
  await picture('list')
  await open('/new')
  await page.getByLabel('Name').fill('Northwind Coffee Roasters')
  await page.getByLabel('Description of line 1').fill('Design workshop, two days')
  await page.getByLabel('Unit price of line 1').fill('1250')
  await page.getByLabel('Unit price of line 1').press('Enter')
  await page.getByLabel('Description of line 2').fill('Copy editing')
  await page.getByLabel('Unit price of line 2').fill('12,345')
  await page.getByRole('button', { name: 'Create draft' }).click()
  await picture('editor', true)

  const by = (status) => [...product.invoices].reverse().find(([, i]) => i.state.status === status && i.state.lines.length > 1)[0]
  await open(`/invoices/${by('draft')}`)
  await page.getByText('Draft total').waitFor()
  await picture('draft', true)
  const void_ = by('sent')
  await open(`/invoices/${void_}`)
  await page.getByRole('button', { name: 'Void' }).click()
  await page.getByLabel('Reason').fill('Issued twice')
  await picture('void-question')
  await page.getByRole('button', { name: 'Void invoice' }).click()
  await page.locator('.heading').getByText('Void', { exact: true }).waitFor()
  await picture('void', true)
  const lost = by('partially_paid')
  product.command(lost, 'WriteOffInvoice', { reason: 'The customer is insolvent' })
  await open(`/invoices/${lost}`)
  await page.getByText('written off').first().waitFor()
  await picture('written-off', true)
  const partly = by('partially_paid')
  await open(`/invoices/${partly}`)
  await page.getByText('Balance due').first().waitFor()
  await picture('invoice', true)
  await page.getByRole('link', { name: 'History' }).click()
  await page.getByText('as stored').first().click()
  await picture('history', true)
  await page.getByRole('button', { name: 'Earlier' }).click()
  await page.locator('.changes dl').waitFor()
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' })
  await picture('past', true)
  await page.getByRole('link', { name: 'Invoice', exact: true }).click()
  await page.getByRole('button', { name: 'Record payment' }).click()
  await page.getByLabel('Amount').fill('9999999')
  await page.getByRole('dialog').getByRole('button', { name: 'Record payment' }).click()
  await page.getByRole('alert').waitFor()
  await picture('rejected')
  product.actor = 'bob@example.com'
  product.command(partly, 'ReceivePayment', { amount: { amount: '1.00', currency: product.invoices.get(partly).state.currency }, date: '2026-11-20', reference: 'Cash' })
  await page.getByLabel('Amount').fill('10')
  await page.getByRole('dialog').getByRole('button', { name: 'Record payment' }).click()
  await page.getByText('What happened meanwhile').waitFor()
  await picture('conflict')
  await page.getByRole('button', { name: 'Discard my change' }).click()
  const draft = by('draft')
  const { customer, issueDate, dueDate, lines } = product.invoices.get(draft).state
  await open(`/invoices/${draft}/edit`)
  await page.getByLabel('Name').fill(`${customer.name} Ltd`)
  await page.getByLabel('Unit price of line 1').fill('111')
  await page.reload()
  await page.getByText('What you typed before was restored').waitFor()
  await picture('restored')
  const theirs = lines.map((l, i) => (i === 0 ? { ...l, unitPrice: '222' } : l)).slice(0, -1)
  product.command(draft, 'ReviseDraft', { customer: { ...customer, name: `${customer.name} Inc`, address: 'Elsewhere' }, issueDate, dueDate, lines: theirs })
  await page.getByText('Somebody changed this invoice').waitFor()
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('Both changed').first().waitFor()
  await picture('conflict-of-an-edit')
  await page.getByRole('button', { name: 'Discard my change' }).click()
  await open(`/invoices/${partly}`)
  await page.getByRole('button', { name: 'Record payment' }).click()
  product.handlerDown = true
  await page.getByLabel('Amount').fill('10')
  await page.getByRole('dialog').getByRole('button', { name: 'Record payment' }).click()
  await page.getByText('Accepted by Kafka').first().waitFor()
  await picture('waiting-dialog')
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await page.getByText('safely stored').first().waitFor({ timeout: 15_000 })
  await picture('waiting')
  await page.getByRole('link', { name: 'Invoices' }).first().click()
  product.databaseDown = true
  product.socketsDown = true
  product.dropSockets()
  await page.getByText('Reconnecting…').waitFor({ state: 'attached' })
  await page.getByText('The list can’t be read').first().waitFor()
  await picture('failing')
  await context.close()
}

await shoot(desktop, 'desktop-light', 'light')
await shoot(phone, 'phone-light', 'light')
if (!process.env.QUICK) {
  await shoot(desktop, 'desktop-dark', 'dark')
  await shoot(phone, 'phone-dark', 'dark')
}
await browser.close()

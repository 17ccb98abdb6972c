// What a person sees, and keeps, when the page or the server is not what the other one expects.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { desktop, phone, violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()
const broken = () => s.page.getByRole('heading', { name: 'This page cannot be shown' })

/** Errors that the test provokes are told to the console by React. */
function provoked(...texts) {
  const others = s.errors.filter((error) => !texts.some((text) => error.includes(text)))
  assert.ok(others.length < s.errors.length, 'nothing went wrong')
  s.errors.splice(0, s.errors.length, ...others)
}

test('a render that throws says so, and gives the form back with what was typed', async () => {
  const id = s.draft('inv-1')
  await s.open(`/invoices/${id}/edit`)
  await s.page.getByLabel('Name').fill('Typed by hand')
  const address = `**/api/invoices/${id}`
  await s.page.route(address, (route) => route.fulfill({ status: 200, json: { id, version: 2, updatedAt: '2026-01-01T00:00:00Z', overdue: false } }))
  s.product.dropSockets() // the page reads again
  await broken().waitFor()
  await s.page.getByRole('alert').getByText('what you typed is kept').waitFor()
  await s.page.getByRole('link', { name: 'New invoice' }).waitFor() // the frame of the page is still there
  await s.page.unroute(address)
  await s.page.getByRole('button', { name: 'Reload' }).click()
  await s.page.getByText('What you typed before was restored').waitFor()
  await s.valueIs(s.page.getByLabel('Name'), 'Typed by hand')
  provoked('undefined')
})

test('a page that cannot be drawn is left by any link, and tried again in place', async () => {
  const id = s.draft('inv-1')
  s.draft('inv-2', { customer: { name: 'Beta', email: '', address: '' } })
  const { lines } = s.product.invoices.get(id).state
  s.product.invoices.get(id).state.lines = undefined
  await s.page.goto(`http://localhost/invoices/${id}`)
  await broken().waitFor()
  await s.page.getByRole('link', { name: 'Invoices', exact: true }).click()
  await s.page.getByRole('link', { name: 'Beta' }).click()
  await s.page.getByText('Draft total').waitFor()
  await s.page.goBack()
  await s.page.goBack()
  await broken().waitFor()
  s.product.invoices.get(id).state.lines = lines
  s.product.command(id, 'ChangeDetails', { customer: { name: 'Acme', email: '', address: '' }, issueDate: '2026-01-02', dueDate: '2035-01-01' })
  await s.page.getByRole('button', { name: 'Try again' }).click()
  await s.page.getByText('Draft total').waitFor()
  provoked('undefined')
})

test('a frame that cannot be read changes nothing, and what it would have told is read', async () => {
  const id = s.draft('inv-1')
  await s.open('/')
  await s.page.getByRole('link', { name: 'Acme' }).waitFor()
  const invoice = s.product.invoices.get(id)
  invoice.state.customer = { name: 'Gamma', email: '', address: '' }
  invoice.version = 2
  s.product.tell({ type: 'changed', invoice: id, version: '2', state: invoice.state })
  await s.page.getByRole('link', { name: 'Gamma' }).waitFor()
  await s.page.locator('.connection[data-state=open]').waitFor({ state: 'attached' })
  await s.none(s.page.getByText('The server is newer than this page'))
})

test('a server that is newer is told, and the new page is loaded with what was typed', async () => {
  await s.open('/new')
  await s.page.getByLabel('Name').fill('Typed by hand')
  s.product.tell({ type: 'heartbeat', token: 't:1', later: true })
  await s.page.getByText('The server is newer than this page').waitFor()
  await s.page.getByRole('button', { name: 'load the new page' }).click()
  await s.page.getByText('What you typed before was restored').waitFor()
  await s.valueIs(s.page.getByLabel('Name'), 'Typed by hand')
  await s.none(s.page.getByText('The server is newer than this page'))
})

for (const [screen, viewport] of Object.entries({ desktop, phone })) {
  test(`commands that nobody handles are told as long as it lasts, on a ${screen}`, async () => {
    s.draft('inv-1')
    await s.page.setViewportSize(viewport)
    await s.page.clock.install()
    s.product.handling = { state: 'stalled', partitions: [{ partition: 3, offset: 41, waiting: 7, since: '2026-01-02T03:04:05Z' }] }
    await s.page.goto('http://localhost/')
    const banner = s.page.getByRole('status').filter({ hasText: 'are not being handled since' })
    await banner.getByText('They are stored').waitFor()
    assert.deepEqual(await violations(s.page), [])
    const wider = await s.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.equal(wider, 0)
    s.product.handling = { state: 'ok', partitions: [] }
    await s.page.clock.fastForward(11_000)
    await banner.waitFor({ state: 'detached' })
  })
}

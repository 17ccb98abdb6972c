// What may not grow: the time of a key with the lines of an invoice, and the requests with the length of the list.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fill } from './demo.mjs'
import { stage } from './stage.mjs'

const s = stage()
const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]

/** Types into the middle of an invoice of n lines; what each key takes from its event to the end of the next frame's work, in ms. */
async function keys(n) {
  const lines = Array.from({ length: n }, (_, i) => ({ description: `Line ${i}`, quantity: '1.5', unitPrice: '12.34' }))
  s.draft(`of-${n}`, { lines })
  await s.open(`/invoices/of-${n}/edit`)
  await s.page.locator(`[name="unitPrice-${n - 1}"]`).waitFor()
  return s.page.evaluate(async (row) => {
    const input = document.querySelector(`[name="unitPrice-${row}"]`)
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    const took = []
    for (let i = 0; i < 60; i++) {
      await frame()
      const begin = performance.now()
      set.call(input, `12.${i}`)
      input.dispatchEvent(new Event('input', { bubbles: true })) // React draws before it returns
      document.body.offsetHeight // and the browser lays out
      took.push(performance.now() - begin)
    }
    return took
  }, Math.floor(n / 2))
}

test('a key in an invoice of 200 lines fits into a frame, as one in an invoice of two lines does', async (t) => {
  const [few, many] = [median(await keys(2)), median(await keys(200))]
  t.diagnostic(`median of a key: ${few.toFixed(1)} ms with 2 lines, ${many.toFixed(1)} ms with 200`)
  assert.ok(many <= Math.max(16, few * 8), `${many} ms with 200 lines, ${few} ms with 2`)
})

test('a row is drawn again only when its own line changes', async () => {
  await keys(200)
  const changed = await s.page.evaluate(async () => {
    const rows = new Set()
    const watch = new MutationObserver((all) => all.forEach((m) => rows.add(m.target.closest?.('tr') ?? m.target.parentElement?.closest('tr'))))
    watch.observe(document.querySelector('.grid'), { subtree: true, childList: true, attributes: true, characterData: true })
    const input = document.querySelector('[name="quantity-7"]')
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, '9')
    input.dispatchEvent(new Event('input', { bubbles: true }))
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    watch.disconnect()
    return rows.size
  })
  assert.equal(changed, 1)
})

test('2,037 invoices are read by scrolling, and then one change costs one request and moves no row', async () => {
  fill(s.product, 2_037)
  await s.open('/')
  const rows = s.page.locator('.list tbody tr')
  await s.page.getByText('50 of 2,037 invoices').waitFor()
  const before = s.product.listed
  while ((await rows.count()) < 2_037) {
    const n = await rows.count()
    await s.page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
    await s.page.waitForFunction((n) => document.querySelectorAll('.list tbody tr').length > n, n)
  }
  assert.ok(s.product.listed - before <= 10, `${s.product.listed - before} requests to read the rest`)

  const [id, { state }] = [...s.product.invoices].find(([, i]) => i.state.status === 'sent' && i.state.dueDate > new Date().toISOString())
  const link = s.page.locator(`a[href="/invoices/${id}"]`)
  await link.scrollIntoViewIfNeeded()
  const names = () => s.page.locator('.list .who a').evaluateAll((all) => all.map((a) => a.href))
  const [order, place, asked] = [await names(), await link.boundingBox(), s.product.listed]
  const answered = s.page.waitForResponse('**/api/invoices?*')
  s.product.command(id, 'ReceivePayment', { amount: { amount: '1', currency: state.currency }, date: '2026-01-01', reference: '' })
  await rows.filter({ has: link }).getByText('Partially paid').waitFor()
  await answered
  await s.page.waitForFunction(() => !document.querySelector('[aria-busy=true]'))
  await s.until(names, order)
  await s.until(() => link.boundingBox(), place)
  assert.equal(s.product.listed - asked, 1)
})

test('a new invoice appears above, and one that leaves the filter goes', async () => {
  fill(s.product, 60)
  await s.open('/?status=draft')
  await s.page.locator('.list tbody tr').first().waitFor()
  const n = await s.page.locator('.list tbody tr').count()
  s.draft('new', { customer: { name: 'Newcomer', email: '', address: '' } })
  await s.page.locator('.list tbody tr').first().getByText('Newcomer').waitFor()
  await s.until(() => s.page.locator('.list tbody tr').count(), n + 1)
  s.product.command('new', 'SendInvoice', {})
  await s.page.getByRole('link', { name: 'Newcomer' }).waitFor({ state: 'detached' })
})

test('what is read before anything is shown stays small', async (t) => {
  const { readdir, readFile } = await import('node:fs/promises')
  const { gzipSync } = await import('node:zlib')
  const folder = new URL('../dist/assets/', import.meta.url)
  const index = await readFile(new URL('../dist/index.html', import.meta.url), 'utf8')
  const first = (await readdir(folder)).filter((n) => n.endsWith('.js') && index.includes(n))
  const sizes = await Promise.all(first.map(async (name) => gzipSync(await readFile(new URL(name, folder)), { level: 9 }).length))
  const all = sizes.reduce((a, b) => a + b, 0)
  t.diagnostic(`${all} bytes, compressed, in ${first.length} files`)
  assert.ok(first.length > 0 && all <= 125_000, `${first.join(', ')} are ${all} bytes, compressed`)
})

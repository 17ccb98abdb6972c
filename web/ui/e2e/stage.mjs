// What each test of a file begins with: the double of the product, a page on it, and a few invoices.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach } from 'node:test'
import { desktop, launch, ready, until, watchErrors } from './browser.mjs'
import { Product } from './double.mjs'

/** Registers the hooks; what is returned has product, context and page while a test runs. */
export function stage(options = {}) {
  const s = {}
  let browser
  before(async () => (browser = await launch()))
  after(() => browser?.close())
  beforeEach(async () => {
    s.product = new Product()
    s.errors = []
    s.context = await browser.newContext({ viewport: desktop, locale: 'en-US', ...options })
    s.context.setDefaultTimeout(15_000)
    await s.product.attach(s.context)
    s.page = await s.tab()
  })
  afterEach(async () => {
    await s.context.close()
    assert.deepEqual(s.errors, [])
  })
  s.tab = async () => {
    const page = await s.context.newPage()
    watchErrors(page, s.errors)
    return page
  }
  s.open = async (path) => {
    await s.page.goto(`http://localhost${path}`)
    await ready(s.page)
  }
  s.draft = (id, over = {}) => {
    const customer = { name: 'Acme', email: '', address: '' }
    const lines = [{ description: 'Work', quantity: '1', unitPrice: '100' }]
    s.product.command(id, 'CreateInvoice', { customer, currency: 'EUR', issueDate: '2026-01-01', dueDate: '2035-01-01', lines, ...over })
    return id
  }
  s.sent = (id, over) => {
    s.product.command(s.draft(id, over), 'SendInvoice', {})
    return id
  }
  s.dialog = () => s.page.getByRole('dialog')
  s.button = (name) => s.page.getByRole('button', { name, exact: true })
  s.focused = () => s.page.evaluate(() => {
    const e = document.activeElement
    return e.getAttribute('aria-label') || e.name || e.textContent
  })
  s.until = (read, wanted) => until(s.page, read, wanted)
  s.focusIs = (name) => s.until(s.focused, name)
  s.valueIs = (field, value) => s.until(() => field.inputValue(), value)
  s.none = (locator) => locator.first().waitFor({ state: 'detached' })
  return s
}

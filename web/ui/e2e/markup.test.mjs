// What people write is shown as they wrote it, and never becomes part of the page.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from './stage.mjs'

const s = stage()
const evil = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'

test('markup in an invoice is text, in the list, the document, the form and the history', async () => {
  const lines = [{ description: evil, quantity: '1', unitPrice: '100' }]
  const id = s.draft('inv-1', { customer: { name: evil, email: '', address: `${evil}\n"><svg onload=window.pwned=1>` }, lines })
  for (const path of ['/', `/invoices/${id}`, `/invoices/${id}/edit`, `/invoices/${id}/history`]) {
    await s.open(path)
    if (path.endsWith('/edit')) await s.valueIs(s.page.getByLabel('Name'), evil)
    else await s.page.getByText('onerror=').first().waitFor()
    assert.equal(await s.page.evaluate(() => window.pwned), undefined, path)
    assert.equal(await s.page.locator('img[src=x], svg[onload]').count(), 0, path)
  }
})

// Ids are chosen by clients: whatever they hold, each link leads to its invoice.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from './stage.mjs'

const s = stage()

for (const id of ['2026/001', 'a?b=c', '#7', '50%', '%2F', '%41', '..', '.', '~..', 'a&b+c']) {
  test(id, async () => {
    s.draft(id, { customer: { name: 'Right', email: '', address: '' } })
    s.draft('001', { customer: { name: 'Wrong', email: '', address: '' } })
    await s.open('/')
    await s.page.getByRole('link', { name: 'Right', exact: true }).click()
    await s.page.getByRole('heading', { name: 'Right', level: 1 }).waitFor()
    await s.page.getByRole('link', { name: 'History' }).click()
    await s.page.getByText('Draft created for Right').waitFor()
    await s.page.reload()
    await s.page.getByText('Draft created for Right').waitFor()
    await s.page.getByRole('link', { name: 'Invoice', exact: true }).click()
    await s.page.getByRole('link', { name: 'Edit draft' }).click()
    await s.page.getByLabel('Name').fill('Renamed')
    s.product.socketsDown = true // by POST: the id stands in its path
    s.product.dropSockets()
    await s.page.getByText('Reconnecting…').waitFor()
    await s.button('Save changes').click()
    await s.page.getByRole('heading', { name: 'Renamed', level: 1 }).waitFor()
    assert.equal(s.product.invoices.get(id).state.customer.name, 'Renamed')
    assert.equal(s.product.invoices.get('001').state.customer.name, 'Wrong')
  })
}

test('a search is what was typed', async () => {
  s.draft('i1', { customer: { name: 'Half %41 & more', email: '', address: '' } })
  s.draft('i2', { customer: { name: 'A', email: '', address: '' } })
  await s.open('/')
  await s.page.getByLabel('Search invoices').fill('%41 &')
  await s.page.getByRole('link', { name: 'A', exact: true }).waitFor({ state: 'detached' })
  await s.page.reload()
  await s.page.getByRole('link', { name: 'Half %41 & more' }).waitFor()
  await s.valueIs(s.page.getByLabel('Search invoices'), '%41 &')
})

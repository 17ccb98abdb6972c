// Who looks at the page, and the ways in and to one's account. The login itself: login.test.mjs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { desktop, phone } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()
const person = () => s.page.locator('.bar .person')

for (const viewport of [desktop, phone, { width: 320, height: 640 }]) {
  test(`the way to the account has the name of who is logged in, ${viewport.width} px wide`, async () => {
    await s.page.setViewportSize(viewport)
    await s.open('/')
    await s.page.getByRole('link', { name: 'Anna Schmidt' }).waitFor()
    assert.equal(await person().getAttribute('href'), '/account')
    assert.equal(await s.page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false)
  })
}

test('the way in leads back to where one was', async () => {
  s.product.me = { login: true, known: false, role: 'admin' }
  await s.open('/?status=draft')
  await s.page.getByRole('link', { name: 'Log in' }).waitFor()
  await s.until(() => person().getAttribute('href'), '/login?to=%2F%3Fstatus%3Ddraft')
  await s.page.locator('.pages').getByRole('link', { name: 'Invoices' }).click()
  await s.until(() => person().getAttribute('href'), '/login?to=%2F')
  await s.none(s.page.getByText('You are not logged in any more.'))
})

test('where nobody can log in, nothing is said of it', async () => {
  s.product.me = { login: false, known: false, role: 'admin' }
  const answered = s.page.waitForResponse('**/api/me')
  await s.open('/')
  await answered
  await s.page.getByText('No invoices yet').waitFor()
  await s.none(person())
})

test('a session that ends says so, and the way in is there', async () => {
  await s.open('/')
  await s.page.getByRole('link', { name: 'Anna Schmidt' }).waitFor()
  s.product.me = { login: true, known: false, role: 'nobody' }
  s.product.socketsDown = true
  s.product.dropSockets()
  await s.page.getByText('You are not logged in any more.').waitFor()
  assert.equal(await s.page.locator('.banner a').getAttribute('href'), '/login?to=%2F')
})

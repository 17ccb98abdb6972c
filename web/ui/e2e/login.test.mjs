// People log in with a click on the development login, see what their role allows, and log out.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { desktop, launch, phone, ready, violations, watchErrors } from './browser.mjs'
import { Server } from './server.mjs'

let server
let browser
let context
let page
const errors = []

before(async () => {
  server = await Server.create('--login', 'required')
  await server.start()
  browser = await launch()
})

beforeEach(async () => {
  await context?.close()
  context = await browser.newContext({ viewport: desktop, locale: 'en-US', baseURL: server.url })
  context.setDefaultTimeout(20_000)
  page = await context.newPage()
  watchErrors(page, errors)
})

after(async () => {
  await browser?.close()
  await server?.remove()
})


/** Opens an address, is sent to the login, and comes back as somebody. */
async function logIn(name, path) {
  await page.goto(path)
  await page.getByRole('heading', { name: 'Development login' }).waitFor()
  await page.getByRole('link', { name }).click()
  await page.waitForURL((url) => url.origin === server.url)
}

describe('a login', { concurrency: 1 }, () => {
  test('is one click, and leads to where one wanted to go', async () => {
    await page.goto('/new')
    await page.getByRole('heading', { name: 'Development login' }).waitFor()
    assert.deepEqual(await violations(page), [])
    await page.getByRole('link', { name: 'Clara' }).click()
    await page.waitForURL('/new')
    await ready(page)
    await page.locator('.bar').getByRole('link', { name: 'Clara' }).click()
    await page.waitForURL('/account')
  })

  test('allows what the role allows, and the page says what it does not', async () => {
    await logIn('Vera', '/new')
    await ready(page)
    await page.getByLabel('Name').fill('Acme GmbH')
    await page.getByLabel('Description of line 1').fill('Work')
    await page.getByLabel('Unit price of line 1').fill('10')
    await page.getByRole('button', { name: 'Create draft' }).click()
    await page.getByText('needs the role clerk').first().waitFor()
    assert.deepEqual(await violations(page), [])
  })

  for (const viewport of [desktop, phone]) {
    test(`is listed and ended, ${viewport.width} px wide`, async () => {
      await page.setViewportSize(viewport)
      await logIn('Ben', '/account')
      await page.getByText('(this one)').first().waitFor()
      await page.getByText('your role is bookkeeper').waitFor()
      assert.deepEqual(await violations(page), [])
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false)
      await page.getByRole('button', { name: 'Log out everywhere' }).click()
      await page.waitForURL('/login')
      assert.deepEqual(await violations(page), [])
      await page.goto('/')
      await page.getByRole('heading', { name: 'Development login' }).waitFor()
    })
  }

  test('that ends closes the live connection of other pages', async () => {
    await logIn('Ben', '/?status=draft')
    await ready(page)
    const account = await context.newPage()
    await account.goto('/account')
    await account.getByRole('button', { name: 'Log out', exact: true }).click()
    await account.waitForURL('/login')
    await page.locator('.connection:not([data-state=open])').waitFor()
    await page.getByText('You are not logged in any more.').waitFor()
    assert.deepEqual(await violations(page), [])
    await page.locator('.banner').getByRole('link', { name: 'Log in' }).click()
    await page.getByRole('link', { name: 'Ben' }).click()
    await page.waitForURL('/?status=draft')
    await ready(page)
  })

  test('leaves no errors in the console', () => assert.deepEqual(errors, []))
})

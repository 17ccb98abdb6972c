// What the page says about its connection is true.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()
const state = (name) => s.page.locator(`.connection[data-state=${name}]`).waitFor({ state: 'attached' })
const says = (text) => s.page.locator('.connection').getByText(text, { exact: true }).waitFor()

test('offline is said at once, and Live only when the server is heard again', async () => {
  s.sent('i1')
  await s.open('/')
  await says('Live')
  await s.context.setOffline(true)
  await says('Offline')
  assert.deepEqual(await violations(s.page), [])
  s.product.socketsDown = true
  await s.context.setOffline(false)
  await says('Reconnecting…')
  s.product.socketsDown = false
  await says('Live')
})

test('a server that is silent is not live, and a dead connection is given up', async () => {
  await s.page.clock.install()
  s.sent('i1')
  await s.open('/')
  await s.page.clock.runFor(19_000)
  await state('open')
  await s.page.clock.runFor(2_000)
  await says('No answer')
  assert.match(await s.page.locator('.connection').getAttribute('title'), /silent/)
  s.product.heartbeat()
  await says('Live')
  s.product.socketsDown = true
  await s.page.clock.runFor(45_000)
  await says('Reconnecting…')
  s.product.socketsDown = false
  await s.page.clock.runFor(20_000)
  await says('Live')
})

test('on a phone too it is said in words when it is not live', async () => {
  await s.page.setViewportSize({ width: 390, height: 844 })
  await s.open('/')
  s.product.socketsDown = true
  s.product.dropSockets()
  await says('Reconnecting…')
  await s.page.locator('.connection span').waitFor({ state: 'visible' })
})

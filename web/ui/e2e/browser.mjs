import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import axe from 'axe-core'
import { chromium } from 'playwright-core'

const { source: axeSource } = axe

export const desktop = { width: 1280, height: 800 }
export const phone = { width: 390, height: 844 }

export function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/**
 * Takes all motion out of the page, for as long as the judge looks: what fades in is there at once, in its last colours, also what is
 * inserted meanwhile. Nothing else is faithful: a look can take longer than any animation, and one can begin in its middle.
 */
async function still(page) {
  await page.evaluate(async () => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync('*, *::before, *::after, *::backdrop { animation: none !important; transition: none !important }')
    document.adoptedStyleSheets.push(sheet)
    const moving = () => document.getAnimations() // it brings the styles up to date first
    for (const animation of moving()) animation.finish() // what a script has begun; it has an end, or this throws
    if (moving().some((a) => a.playState === 'running')) throw new Error('something still moves')
    await document.fonts.ready
  })
}

async function moveAgain(page) {
  await page.evaluate(() => void document.adoptedStyleSheets.pop())
}

/** Says what axe finds on the page as it stands when all that moves has arrived, in words. */
export async function violations(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource)
  await still(page)
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('; ')}`)
  })
  await moveAgain(page)
  return found
}

/**
 * Waits until the page shows what it has read, and hears the server. Before that, what a test does to the server is not news
 * to the page but the first it hears of it, and what it takes away was never there.
 */
export async function ready(page) {
  await page.locator('.connection[data-state=open]').waitFor({ state: 'attached' })
  await page.locator('h1').first().waitFor({ state: 'attached' })
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' })
}

/** Waits until what is read is what is wanted; says both when it never is. Read at each frame: what comes later is as good, what never comes is not. */
export async function until(page, read, wanted, limit = 15_000) {
  const end = Date.now() + limit
  let got = await read()
  while (!isDeepStrictEqual(got, wanted) && Date.now() < end) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => resolve())))
    got = await read()
  }
  assert.deepEqual(got, wanted)
}

/** Gathers what goes wrong inside of a page. A server that cannot be reached is the business of the test; an exception never is. */
export function watchErrors(page, errors) {
  page.on('pageerror', (error) => errors.push(error.stack))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/^(Failed to load resource|WebSocket connection)/.test(message.text())) errors.push(message.text())
  })
}

import axe from 'axe-core'
import { chromium } from 'playwright-core'

const { source: axeSource } = axe

export const desktop = { width: 1280, height: 800 }
export const phone = { width: 390, height: 844 }

export function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/** Says what axe finds on the page as it stands, in words. */
export async function violations(page) {
  await page.evaluate(axeSource)
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('; ')}`)
  })
  return found
}

/** Gathers what goes wrong inside of a page. A server that cannot be reached is the business of the test; an exception never is. */
export function watchErrors(page, errors) {
  page.on('pageerror', (error) => errors.push(error.stack))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/^(Failed to load resource|WebSocket connection)/.test(message.text())) errors.push(message.text())
  })
}

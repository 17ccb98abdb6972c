// The picture of the README: the real product with the demo invoices. node e2e/picture.mjs <file>
import { desktop, launch } from './browser.mjs'
import { demo } from './demo.mjs'
import { Server } from './server.mjs'

const [file = 'page.png'] = process.argv.slice(2)
const server = await Server.create()
await server.start()
const browser = await launch()
try {
  const owed = new Map()
  for (const [id, command, payload] of demo(60)) {
    if (payload.amount?.amount === 'balance') payload.amount = owed.get(id)
    const response = await fetch(`${server.url}/api/invoices/${id}/commands/${command}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=20' },
      body: JSON.stringify(payload),
    })
    if (response.status !== 200) throw new Error(`${command}: ${response.status} ${await response.text()}`)
    owed.set(id, (await response.json()).invoice.balance)
  }
  const page = await browser.newPage({ viewport: desktop, deviceScaleFactor: 2, locale: 'en-US', colorScheme: 'light' })
  await page.goto(server.url)
  await page.getByText('60 invoices').first().waitFor()
  await page.locator('.connection[data-state=open]').waitFor()
  await page.evaluate(() => document.fonts.ready)
  await page.waitForFunction(() => document.getAnimations().length === 0)
  await page.screenshot({ path: file })
} finally {
  await browser.close()
  await server.remove()
}

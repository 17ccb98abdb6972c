import { chromium } from 'playwright-core'
import http from 'node:http'
const api = process.argv[2], port = Number(process.argv[3])
const page0 = http.createServer((q, s) => { s.setHeader('Content-Type', 'text/html'); s.end('<p>other site') }).listen(port)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const page = await browser.newPage()
await page.goto(`http://localhost:${port}/`)
const out = await page.evaluate(async (api) => {
  const r = {}
  try { const a = await fetch(`${api}/api/invoices`, { credentials: 'include' }); r.get = [a.status, (await a.json()).code, a.headers.get('Retry-After')] } catch (e) { r.get = String(e) }
  try { const a = await fetch(`${api}/api/invoices/inv-1/commands/SendInvoice`, { method: 'POST', credentials: 'include', body: '{}', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'k', 'If-Match': '"1"', Prefer: 'wait=1', 'Eventim-Origin': 'p', traceparent: 'x' } }); r.post = [a.status, (await a.json()).code] } catch (e) { r.post = String(e) }
  return r
}, api)
console.log(JSON.stringify(out))
await browser.close(); page0.close()

import { afterEach, expect, test, vi } from 'vitest'
import { isTransient, listInvoices, lookUp, postCommand } from './api'

const command = { id: 'c1', invoice: 'i1', command: 'SendInvoice' as const, expected: 3, payload: {} }

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const fetched = vi.fn(() => Promise.resolve(new Response(JSON.stringify(body), { status, headers })))
  vi.stubGlobal('fetch', fetched)
  return fetched
}

afterEach(() => void vi.unstubAllGlobals())

test('a command is posted with its id, its expected version and its origin', async () => {
  const fetched = answer(200, { commandId: 'c1', invoiceId: 'i1', outcome: 'accepted', version: 4, effect: '3:5', invoice: { status: 'sent' } })
  const got = await postCommand(command, 'page')
  expect(got).toMatchObject({ kind: 'result', result: { id: 'c1', outcome: 'accepted', version: 4, effect: '3:5', state: { status: 'sent' } } })
  const [path, options] = fetched.mock.calls[0] as unknown as [string, { headers: Record<string, string> }]
  expect(path).toBe('/api/invoices/i1/commands/SendInvoice')
  expect(options.headers).toMatchObject({ 'Idempotency-Key': 'c1', 'If-Match': '"3"', 'Eventim-Origin': 'page', Prefer: 'wait=5' })
})

test('202 is stored, 412 a conflict with the current version', async () => {
  answer(202, { commandId: 'c1', outcome: 'pending', position: '3:7' })
  expect(await postCommand(command, 'page')).toEqual({ kind: 'stored' })
  answer(412, { code: 'version_conflict', detail: 'moved on', currentVersion: 9 })
  expect(await postCommand(command, 'page')).toMatchObject({ result: { outcome: 'rejected', code: 'version_conflict', currentVersion: 9 } })
})

test('what may succeed later is told from what never will', async () => {
  answer(503, { code: 'kafka_unavailable' }, { 'Retry-After': '2' })
  expect(await postCommand(command, 'page')).toEqual({ kind: 'unavailable', code: 'kafka_unavailable', retryAfter: 2 })
  answer(400, { code: 'payload_invalid' })
  expect(await postCommand(command, 'page')).toMatchObject({ kind: 'refused', problem: { status: 400 } })
  answer(500, { code: 'decision_panicked', detail: 'boom' })
  expect(await postCommand(command, 'page')).toMatchObject({ result: { outcome: 'rejected', code: 'decision_panicked' } })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('network')))
  expect(await postCommand(command, 'page')).toMatchObject({ kind: 'unavailable', code: 'offline' })
  expect([502, 429, 500].map((status) => isTransient({ status }))).toEqual([true, true, true])
})

test('a look-up knows pending and unknown commands', async () => {
  answer(404, {})
  expect(await lookUp('c1', 'i1')).toBeUndefined()
  answer(200, { commandId: 'c1', outcome: 'pending' })
  expect(await lookUp('c1', 'i1')).toBeUndefined()
  answer(200, { commandId: 'c1', outcome: 'rejected', code: 'overpayment', message: 'too much' })
  expect(await lookUp('c1', 'i1')).toMatchObject({ id: 'c1', outcome: 'rejected', message: 'too much' })
  answer(503, { code: 'database_unavailable' })
  await expect(lookUp('c1', 'i1')).rejects.toMatchObject({ code: 'database_unavailable' })
})

test('a view that lags is read as it is', async () => {
  const paths: string[] = []
  vi.stubGlobal('fetch', (path: string) => {
    paths.push(path)
    const behind = path.includes('position')
    const body = behind ? { code: 'view_behind' } : { invoices: [], count: 0, totals: [] }
    return Promise.resolve(new Response(JSON.stringify(body), { status: behind ? 503 : 200 }))
  })
  const page = await listInvoices({ status: 'overdue', q: 'a b' }, { limit: 50, position: '3:7', signal: new AbortController().signal })
  expect(page.count).toBe(0)
  expect(paths).toEqual([
    '/api/invoices?q=a+b&overdue=true&limit=50&position=3%3A7&wait=2s',
    '/api/invoices?q=a+b&overdue=true&limit=50',
  ])
})

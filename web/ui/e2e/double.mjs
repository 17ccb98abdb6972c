// A test double of the product, driven by the test process: the parts that a test wants to fail can be switched off one
// by one, which the real product only does when somebody pulls a plug.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { runnerImport } from 'vite'

const dist = new URL('../dist/', import.meta.url).pathname
const slowest = Number(process.env.SLOW ?? 0) // what an answer takes at most, in ms: a test that runs ahead of the page fails
const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.html': 'text/html' }

// A unit test holds what the page computes against the documents of the product.
const totalsOfThePage = new URL('../src/totals.ts', import.meta.url).pathname
const { module: { computeTotals, lineNet } } = await runnerImport(totalsOfThePage, { configFile: false, logLevel: 'silent' })

const digits = (currency) => new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits
const scaled = (text, scale) => {
  const [whole, fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale))
}
const written = (minor, d) => {
  const text = String(minor).padStart(d + 1, '0')
  return d ? `${text.slice(0, -d)}.${text.slice(-d)}` : text
}

class Rejected extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

const money = (minor, currency) => ({ amount: written(minor, digits(currency)), currency })
const minorOf = (m) => scaled(m.amount, digits(m.currency))

function evolve(invoice, { type, data }) {
  const next = structuredClone(invoice)
  if (type === 'InvoiceCreated') Object.assign(next, { ...data, status: 'draft', payments: [], lastLine: data.lines.length })
  if (type === 'DetailsChanged') Object.assign(next, data)
  if (type === 'PricingChanged') next.pricing = data.pricing
  if (type === 'LineItemAdded') next.lines.push(data.line)
  if (type === 'LineItemChanged') next.lines = next.lines.map((l) => (l.id === data.line.id ? data.line : l))
  if (type === 'LineItemRemoved') next.lines = next.lines.filter((l) => l.id !== data.lineId)
  if (type === 'LineItemAdded') next.lastLine = Number(data.line.id)
  if (type === 'InvoiceSent') next.status = 'sent'
  if (type === 'InvoiceNumbered') next.number = data.number
  if (type === 'PaymentReceived') Object.assign(next, { status: next.writtenOff ? 'written_off' : 'partially_paid', payments: [...next.payments, data.payment] })
  if (type === 'InvoicePaid') Object.assign(next, { status: 'paid', writtenOff: undefined, reason: undefined })
  if (type === 'InvoiceDeleted') next.status = 'deleted'
  if (type === 'InvoiceVoided') Object.assign(next, { status: 'void', reason: data.reason })
  if (type === 'InvoiceWrittenOff') Object.assign(next, { status: 'written_off', reason: data.reason, writtenOff: data.amount })
  const { pricing = {} } = next
  const { totals, payable } = computeTotals(next.lines, pricing, next.currency)
  delete next.totals
  if (totals.taxes || pricing.discounts || pricing.charges) next.totals = totals
  const total = minorOf(payable)
  const paid = next.payments.reduce((sum, p) => sum + minorOf(p.amount), 0n)
  next.total = money(total, next.currency)
  next.paid = money(paid, next.currency)
  if (next.writtenOff) next.writtenOff = money(total - paid, next.currency)
  next.balance = money(next.writtenOff || next.status === 'void' ? 0n : total - paid, next.currency)
  return next
}

const notYet = { status: 404, code: 'version_not_found', title: 'The invoice has no such version (yet)' }

/** An invoice after so many of its events; undefined when there are not that many. */
function stateAt({ history }, version) {
  return version <= history.length ? { version, state: history.slice(0, version).reduce(evolve, {}) } : undefined
}

/** What is different between two invoices, in the form of the product: lines and payments by their ids. */
function diff(a, b, path = '') {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => {
    const [before, after] = [a[key], b[key]]
    const at = `${path}/${key}`
    if (JSON.stringify(before) === JSON.stringify(after)) return []
    if (path === '' && ['lines', 'payments'].includes(key)) return diff(byID(before), byID(after), at)
    if (before === undefined) return [{ path: at, kind: 'added', after }]
    if (after === undefined) return [{ path: at, kind: 'removed', before }]
    return isTree(before) && isTree(after) ? diff(before, after, at) : [{ path: at, kind: 'changed', before, after }]
  })
}

const byID = (list = []) => Object.fromEntries(list.map((e) => [e.id, e]))
const isTree = (v) => typeof v === 'object' && !Array.isArray(v) && !('currency' in v)

function line(id, said, currency) {
  return { ...said, id: String(id), net: lineNet(said, currency) }
}

/** The events of a revised draft; of the product's order only what tests look at. */
function revise(invoice, { lines, pricing, ...details }) {
  if (lines.some((l) => l.description === 'refused')) throw new Rejected('amount_too_large', `line item ${lines.length}: that is more than a line item can hold`)
  const kept = new Set(lines.map((l) => l.id))
  let last = invoice.lastLine
  const said = ['customer', 'issueDate', 'dueDate'].some((k) => JSON.stringify(details[k]) !== JSON.stringify(invoice[k]))
  return [
    ...(said ? [{ type: 'DetailsChanged', data: details }] : []),
    ...(pricing && JSON.stringify(pricing) !== JSON.stringify(invoice.pricing ?? {}) ? [{ type: 'PricingChanged', data: { pricing } }] : []),
    ...invoice.lines.filter((l) => !kept.has(l.id)).map((l) => ({ type: 'LineItemRemoved', data: { lineId: l.id } })),
    ...lines.filter((l) => l.id).map((l) => ({ type: 'LineItemChanged', data: { line: line(l.id, l, invoice.currency) } })),
    ...lines.filter((l) => !l.id).map((l) => ({ type: 'LineItemAdded', data: { line: line(++last, l, invoice.currency) } })),
  ]
}

function decide(invoice, command, given) {
  const p = JSON.parse(JSON.stringify(given).normalize('NFC'))
  if (command === 'CreateInvoice') {
    if (invoice) throw new Rejected('invoice_exists', 'the invoice exists already')
    if (!p.customer.name) throw new Rejected('customer_name_missing', 'the customer has no name')
    if (p.customer.name.startsWith('refused')) throw new Rejected('text_invalid', 'the customer name contains a control character: remove it')
    return [{ type: 'InvoiceCreated', data: { ...p, lines: p.lines.map((l, i) => line(i + 1, l, p.currency)) } }]
  }
  if (!invoice) throw new Rejected('invoice_not_found', 'there is no such invoice')
  if (command === 'ReceivePayment') return receive(invoice, p)
  if (command === 'RecordNumber') return [{ type: 'InvoiceNumbered', data: p }]
  if (command === 'VoidInvoice') {
    if (invoice.status !== 'sent') throw new Rejected('invoice_not_voidable', `the invoice is ${invoice.status}`)
    return [{ type: 'InvoiceVoided', data: { ...p, total: invoice.total } }]
  }
  if (command === 'WriteOffInvoice') {
    if (!['sent', 'partially_paid'].includes(invoice.status)) throw new Rejected('nothing_to_write_off', `the invoice is ${invoice.status}`)
    return [{ type: 'InvoiceWrittenOff', data: { ...p, amount: invoice.balance } }]
  }
  if (invoice.status !== 'draft') throw new Rejected('invoice_not_draft', `the invoice is ${invoice.status}`)
  switch (command) {
    case 'ReviseDraft':
      return revise(invoice, p)
    case 'ChangeDetails':
      return [{ type: 'DetailsChanged', data: p }]
    case 'AddLineItem':
      return [{ type: 'LineItemAdded', data: { line: line(invoice.lastLine + 1, p, invoice.currency) } }]
    case 'ChangeLineItem':
      return [{ type: 'LineItemChanged', data: { line: line(p.lineId, p, invoice.currency) } }]
    case 'RemoveLineItem':
      return [{ type: 'LineItemRemoved', data: p }]
    case 'SendInvoice':
      return [{ type: 'InvoiceSent', data: { total: invoice.total } }]
    case 'DeleteInvoice':
      return [{ type: 'InvoiceDeleted', data: {} }]
  }
}

function receive(invoice, p) {
  if (!['sent', 'partially_paid', 'written_off'].includes(invoice.status)) throw new Rejected('invoice_not_payable', 'the invoice takes no payment')
  const left = minorOf(invoice.writtenOff ?? invoice.balance) - minorOf(p.amount)
  if (left < 0n) throw new Rejected('overpayment', `a payment of ${p.amount.amount} ${invoice.currency} is more than the balance of ${invoice.balance.amount} ${invoice.currency}`)
  const id = String(invoice.payments.length + 1)
  const received = { type: 'PaymentReceived', data: { payment: { id, ...p } } }
  return left === 0n ? [received, { type: 'InvoicePaid', data: {} }] : [received]
}

export class Product {
  invoices = new Map()
  results = new Map()
  queue = []
  sockets = new Set()
  actor = 'anna@example.com'
  seen = [] // ids of all commands that arrived, repeats included
  #handlerDown = false
  #offset = 0
  databaseDown = false
  kafkaDown = false
  socketsDown = false
  requestsDown = false
  me = { login: true, known: true, name: 'Anna Schmidt', role: 'bookkeeper' }
  handling = { state: 'ok', partitions: [] }
  listed = 0 // requests for a page of the list

  set handlerDown(down) {
    this.#handlerDown = down
    if (!down) for (const command of this.queue.splice(0)) this.#handle(command)
  }

  /** Serves the built page and the API to every page of the context, on http://localhost. */
  async attach(context) {
    await context.route('**/*', (route) => this.#route(route))
    await context.routeWebSocket('**/api/live', (socket) => this.#socket(socket))
  }

  command(invoice, command, payload, { expected, id = randomUUID(), origin } = {}) {
    this.seen.push(id)
    const entry = { invoice, command, payload, expected, id, origin, position: `3:${this.#offset++}` }
    if (this.#handlerDown) this.queue.push(entry)
    else this.#handle(entry)
    return entry
  }

  heartbeat() {
    for (const socket of this.sockets) this.#tell(socket, { type: 'heartbeat', token: `t:${this.#offset}` })
  }

  /** Says a frame to every page, be it one that no server says. */
  tell(frame) {
    for (const socket of this.sockets) this.#tell(socket, frame)
  }

  dropSockets() {
    for (const socket of [...this.sockets]) this.#drop(socket)
  }

  #drop(socket) {
    this.sockets.delete(socket)
    void socket.raw.close({ code: 1001 })
  }

  #handle({ invoice: id, command, payload, expected, id: commandId, origin, position }) {
    let result = this.results.get(commandId)
    if (result) result = { ...result, replayed: true }
    else result = this.#decided(id, command, payload, expected, commandId, position)
    this.results.set(commandId, result)
    for (const s of this.sockets) if (s.origin === origin) this.#tell(s, { type: 'result', token: `t:${this.#offset}`, ...result })
    if (result.outcome === 'accepted' && !result.replayed) {
      const { version, state } = this.invoices.get(id)
      for (const s of this.sockets) this.#tell(s, { type: 'changed', invoice: id, version, state, position })
    }
  }

  #decided(id, command, payload, expected, commandId, position) {
    const now = this.invoices.get(id)
    const version = now?.version ?? 0
    const common = { id: commandId, invoice: id, replayed: false, position }
    if (expected !== undefined && expected !== version) {
      const message = `the invoice is at version ${version}, not ${expected}`
      return { ...common, outcome: 'rejected', code: 'version_conflict', message, currentVersion: version, version }
    }
    try {
      const decided = decide(now?.state, command, payload)
      const events = decided.map((e, i) => ({ ...e, version: version + i + 1 }))
      const state = events.reduce(evolve, now?.state ?? {})
      const time = new Date().toISOString()
      const history = [...(now?.history ?? []), ...events.map((e) => ({ ...e, time, actor: this.actor, commandId }))]
      this.invoices.set(id, { version: version + events.length, state, history, updatedAt: time })
      return { ...common, outcome: 'accepted', version: version + events.length, events, state, ...(events.length > 0 && { effect: position }) }
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      return { ...common, outcome: 'rejected', code: error.code, message: error.message, version }
    }
  }

  #tell(socket, frame) {
    socket.raw.send(JSON.stringify(frame))
  }

  #socket(raw) {
    const socket = { raw, origin: '' }
    if (this.socketsDown) return void raw.close({ code: 1001 })
    this.sockets.add(socket)
    raw.onClose(() => this.sockets.delete(socket))
    raw.onMessage((text) => {
      const frame = JSON.parse(text)
      if (frame.type === 'hello') {
        socket.origin = frame.origin
        return this.#tell(socket, { type: 'welcome', token: `t:${this.#offset}`, resumed: false })
      }
      if (this.kafkaDown) {
        const problem = { status: 503, code: 'kafka_unavailable', title: 'Kafka cannot be reached', retryAfter: 1 }
        return this.#tell(socket, { type: 'refused', id: frame.id, problem })
      }
      this.#tell(socket, { type: 'ack', id: frame.id, position: `3:${this.#offset}` })
      this.command(frame.invoice, frame.command, frame.payload, { ...frame, origin: socket.origin })
    })
  }

  async #route(route) {
    const request = route.request()
    const url = new URL(request.url())
    if (slowest) await setTimeout(Math.random() * slowest)
    if (!url.pathname.startsWith('/api/')) return this.#file(route, url.pathname)
    if (this.requestsDown) return route.abort()
    const body = (status, json, headers = {}) => route.fulfill({ status, json, headers })
    if (request.method() === 'POST') return this.#posted(request, url, body)
    if (url.pathname === '/api/me') return body(200, this.me)
    if (this.databaseDown) {
      return body(503, { status: 503, code: 'database_unavailable', title: 'Postgres cannot be reached', detail: 'Postgres cannot be reached.' })
    }
    const [, , kind, written, part, command] = url.pathname.split('/')
    const id = written && idOf(written)
    if (kind === 'handling') return body(200, this.handling)
    if (part === 'commands') {
      const commandId = idOf(command)
      const result = this.results.get(commandId)
      return result?.invoice === id ? body(200, { ...result, commandId, invoiceId: id, invoice: result.state }) : body(404, { status: 404 })
    }
    if (!id) {
      this.listed++
      return body(200, this.#list(url.searchParams))
    }
    const found = this.invoices.get(id)
    if (!found) return body(404, { status: 404, title: 'not found' })
    if (part === 'diff') return this.#diff(found, url.searchParams, body)
    if (part) return body(200, { events: found.history })
    if (url.searchParams.has('version')) {
      const state = stateAt(found, Number(url.searchParams.get('version')))
      return state ? body(200, this.#past(id, found, state)) : body(404, notYet)
    }
    return body(200, { id, version: found.version, updatedAt: found.updatedAt, overdue: overdue(found.state), invoice: found.state })
  }

  #past(id, { history }, { version, state }) {
    const { time, type, actor, commandId } = history[version - 1]
    return { id, version, updatedAt: time, overdue: false, invoice: state, event: { type, time, actor, commandId } }
  }

  #diff(found, query, body) {
    const [from, to] = ['from', 'to'].map((side) => stateAt(found, Number(query.get(side))))
    return from && to ? body(200, { from: from.version, to: to.version, changes: diff(from.state, to.state) }) : body(404, notYet)
  }

  #posted(request, url, body) {
    const [, , , written, , command] = url.pathname.split('/')
    const id = idOf(written)
    if (this.kafkaDown) return body(503, { status: 503, code: 'kafka_unavailable', title: 'Kafka cannot be reached' })
    const headers = request.headers()
    const expected = headers['if-match'] ? Number(headers['if-match'].slice(1, -1)) : undefined
    const commandId = headers['idempotency-key']
    this.command(id, command, request.postDataJSON(), { expected, id: commandId, origin: headers['eventim-origin'] })
    const result = this.results.get(commandId)
    if (!result) return body(202, { commandId, invoiceId: id, outcome: 'pending', position: '3:1' })
    if (result.outcome === 'accepted') return body(200, { ...result, commandId, invoiceId: id, invoice: result.state })
    return body(result.code === 'version_conflict' ? 412 : 422, { status: 422, code: result.code, detail: result.message, currentVersion: result.currentVersion })
  }

  #list(query) {
    const rows = [...this.invoices].map(([id, { version, state: s, updatedAt }]) => ({
      id, version, updatedAt, number: s.number, customerName: s.customer.name, status: s.status, currency: s.currency,
      total: s.total, paid: s.paid, balance: s.balance, issueDate: s.issueDate, dueDate: s.dueDate, overdue: overdue(s),
    })).reverse().filter((r) => r.status !== 'deleted')
      .filter((r) => !query.get('status') || r.status === query.get('status'))
      .filter((r) => !query.get('overdue') || r.overdue)
      .filter((r) => r.customerName.toLowerCase().includes((query.get('q') ?? '').toLowerCase()))
      .filter((r) => r.issueDate >= (query.get('issuedFrom') ?? '') && r.issueDate <= (query.get('issuedTo') || '9'))
      .filter((r) => r.dueDate >= (query.get('dueFrom') ?? '') && r.dueDate <= (query.get('dueTo') || '9'))
    const sort = query.get('sort')
    if (sort) rows.sort(sorting(sort))
    const at = Number(query.get('cursor') || 0)
    const limit = Number(query.get('limit') || 50)
    const totals = Map.groupBy ? Map.groupBy(rows, (r) => r.currency) : grouped(rows)
    return {
      invoices: rows.slice(at, at + limit),
      next: at + limit < rows.length ? String(at + limit) : '',
      count: rows.length,
      totals: [...totals].map(([currency, of]) => ({
        currency,
        count: of.filter((r) => r.status !== 'void').length,
        total: money(of.filter((r) => r.status !== 'void').reduce((sum, r) => sum + minorOf(r.total), 0n), currency),
        balance: money(of.reduce((sum, r) => sum + minorOf(r.balance), 0n), currency),
        outstanding: money(of.filter((r) => r.status !== 'draft').reduce((sum, r) => sum + minorOf(r.balance), 0n), currency),
        draft: money(of.filter((r) => r.status === 'draft').reduce((sum, r) => sum + minorOf(r.total), 0n), currency),
      })),
    }
  }

  async #file(route, path) {
    const name = extname(path) ? path : '/index.html'
    const headers = { 'content-security-policy': "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'" }
    await route.fulfill({ body: await readFile(join(dist, name)), contentType: types[extname(name)], headers })
  }
}

/** Reads an id from a path as the product does. */
function idOf(written) {
  const id = decodeURIComponent(written)
  return /^~+(\.{1,2}|\/)$/.test(id) ? id.slice(1) : id
}

function grouped(rows) {
  const groups = new Map()
  for (const row of rows) groups.set(row.currency, [...(groups.get(row.currency) ?? []), row])
  return groups
}

/** The order of a list, as far as tests look at it. */
function sorting(sort) {
  const [key, turn] = sort.startsWith('-') ? [sort.slice(1), -1] : [sort, 1]
  const of = {
    customer: (r) => r.customerName.toLowerCase(), status: (r) => r.status, issued: (r) => r.issueDate, due: (r) => r.dueDate,
    total: (r) => r.currency + String(minorOf(r.total)).padStart(20, '0'), balance: (r) => r.currency + String(minorOf(r.balance)).padStart(20, '0'),
  }[key]
  return (a, b) => turn * (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : a.id < b.id ? -1 : 1)
}

function overdue(s) {
  return ['sent', 'partially_paid'].includes(s.status) && s.dueDate < new Date().toISOString().slice(0, 10)
}

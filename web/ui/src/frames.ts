import type { Frame } from './live'

// Frames of the server as this page understands them. What it does not is never taken for something else.

type Check = (value: unknown) => boolean

const text: Check = (v) => typeof v === 'string'
const count: Check = (v) => typeof v === 'number' && Number.isSafeInteger(v)
const flag: Check = (v) => typeof v === 'boolean'

function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v)
}

const listOf = (item: Check): Check => (v) => Array.isArray(v) && v.every(item)
/** An object with these members at least: what it says beyond them is the domain's affair. */
const having = (members: Record<string, Check>): Check => (v) => isObject(v) && Object.entries(members).every(([name, check]) => check(v[name]))

const money = having({ amount: text, currency: text })
const line = having({ id: text, description: text, quantity: text, unitPrice: text, net: money })
const payment = having({ id: text, amount: money, date: text, reference: text })
const invoice = having({
  customer: having({ name: text }),
  currency: text, issueDate: text, dueDate: text, status: text,
  lines: listOf(line), payments: listOf(payment), total: money, paid: money, balance: money,
})
const event = having({ type: text, version: count })
const problem = having({ status: count })

interface Shape {
  required: Record<string, Check>
  optional?: Record<string, Check>
}

const shapes: Record<Frame['type'], Shape> = {
  welcome: { required: { token: text, resumed: flag } },
  heartbeat: { required: {}, optional: { token: text } },
  ack: { required: { id: text, position: text } },
  refused: { required: { id: text, problem } },
  result: {
    required: { id: text, invoice: text, outcome: (v) => v === 'accepted' || v === 'rejected' || v === 'failed' },
    optional: {
      version: count, code: text, message: text, pointer: text, currentVersion: count, events: listOf(event),
      state: invoice, replayed: flag, position: text, effect: text, token: text,
    },
  },
  changed: { required: { invoice: text, version: count, state: invoice }, optional: { updatedAt: text, position: text } },
}

/**
 * A frame, if it can be used; what is wrong with it, if it cannot. It is newer when it says what this page does not
 * know: then the server is of a later version than the page.
 */
export interface Reading {
  frame?: Frame
  newer: boolean
  wrong?: string
}

export function readFrame(data: unknown): Reading {
  const value = parse(data)
  if (!isObject(value) || typeof value.type !== 'string') return { newer: false, wrong: 'it is no frame' }
  const { type, ...members } = value
  const shape = Object.hasOwn(shapes, type) ? shapes[type as Frame['type']] : undefined
  if (!shape) return { newer: true, wrong: `its type ${type} is unknown` }
  const { required, optional = {} } = shape
  const newer = Object.keys(members).some((name) => !Object.hasOwn(required, name) && !Object.hasOwn(optional, name))
  const bad =
    Object.keys(required).find((name) => !required[name]?.(members[name])) ??
    Object.keys(optional).find((name) => members[name] !== undefined && !optional[name]?.(members[name]))
  return bad === undefined ? { frame: value as unknown as Frame, newer } : { newer, wrong: `the member ${bad} of ${type}` }
}

function parse(data: unknown): unknown {
  try {
    return JSON.parse(String(data))
  } catch {
    return undefined
  }
}

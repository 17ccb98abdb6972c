import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Connection, type Frame, Live, type Socket } from './live'

class FakeSocket implements Socket {
  sent: Record<string, unknown>[] = []
  closed = false
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: (() => void) | null = null
  send = (text: string) => void this.sent.push(JSON.parse(text) as Record<string, unknown>)
  close = () => void (this.closed = true)
  say = (frame: Frame) => this.onmessage?.({ data: JSON.stringify(frame) })
}

const welcome: Frame = { type: 'welcome', token: 't1', resumed: false }
const command = { id: 'c1', invoice: 'i1', command: 'SendInvoice' as const, payload: {} }

function setup(token?: string) {
  const sockets: FakeSocket[] = []
  const frames: Frame[] = []
  const unread: string[] = []
  const newer: number[] = []
  const connections: Connection[] = []
  const values = new Map<string, string>(token ? [['eventim.token', token]] : [])
  const live = new Live({
    open: () => {
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket
    },
    origin: 'page',
    storage: { getItem: (k) => values.get(k) ?? null, setItem: (k, v) => void values.set(k, v) },
    onFrame: (frame) => frames.push(frame),
    onUnread: (wrong) => unread.push(wrong),
    onNewer: () => newer.push(frames.length),
    onConnection: (c) => connections.push(c),
    random: () => 0.5,
  })
  const last = () => {
    const socket = sockets.at(-1)
    if (!socket) throw new Error('no socket')
    return socket
  }
  return { live, sockets, frames, unread, newer, connections, values, last }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('says hello, and is open only when it is welcome', () => {
  const { live, last, connections } = setup()
  live.start()
  last().onopen?.()
  expect(last().sent).toEqual([{ type: 'hello', origin: 'page' }])
  expect(live.send(command)).toBe(false)
  last().say(welcome)
  expect(live.send(command)).toBe(true)
  expect(last().sent[1]).toEqual({ type: 'command', ...command })
  expect(connections).toEqual(['connecting', 'open'])
})

test('resumes with the last token, also after a reload', () => {
  const { live, last, sockets, values } = setup('old')
  live.start()
  last().onopen?.()
  expect(last().sent[0]).toEqual({ type: 'hello', origin: 'page', token: 'old' })
  last().say(welcome)
  last().say({ type: 'heartbeat', token: 't2' })
  expect(values.get('eventim.token')).toBe('t2')
  last().onclose?.()
  vi.advanceTimersByTime(250)
  expect(sockets).toHaveLength(2)
  last().onopen?.()
  expect(last().sent[0]).toMatchObject({ token: 't2' })
})

test('keeps the token of a frame only after the frame was taken', () => {
  const { values, ...s } = setup()
  let seen: string | undefined
  const live = new Live({
    open: () => socket,
    origin: 'page',
    storage: { getItem: () => null, setItem: (k, v) => void values.set(k, v) },
    onFrame: () => (seen = values.get('eventim.token')),
    onUnread: () => undefined,
    onNewer: () => undefined,
    onConnection: () => undefined,
  })
  const socket = new FakeSocket()
  live.start()
  socket.say({ ...welcome, token: 'first' })
  expect(seen).toBeUndefined()
  expect(values.get('eventim.token')).toBe('first')
  expect(s.frames).toEqual([])
})

test('a frame that cannot be read is told, keeps no token, and the next one counts', () => {
  const { live, last, frames, unread, newer, values } = setup()
  live.start()
  last().onopen?.()
  last().say(welcome)
  for (const data of ['{"type":"changed","invoice":"i1","token":"t2"}', 'no JSON', '{"type":"later","token":"t3"}']) last().onmessage?.({ data })
  expect(unread).toHaveLength(3)
  expect(newer).toEqual([1, 1])
  expect(values.get('eventim.token')).toBe('t1')
  last().onmessage?.({ data: '{"type":"heartbeat","token":"t4","later":true}' })
  expect(frames).toHaveLength(2)
  expect(newer).toEqual([1, 1, 1])
  expect(values.get('eventim.token')).toBe('t4')
  expect(live.isOpen).toBe(true)
})

test('gives up a connection that is silent for 40 s, and no sooner', () => {
  const { live, last, sockets, connections } = setup()
  live.start()
  last().onopen?.()
  last().say(welcome)
  vi.advanceTimersByTime(39_000)
  last().say({ type: 'heartbeat' })
  vi.advanceTimersByTime(19_999)
  expect(connections.at(-1)).toBe('open')
  vi.advanceTimersByTime(1) // a heartbeat is overdue
  expect(connections.at(-1)).toBe('quiet')
  last().say({ type: 'heartbeat' })
  expect(connections.at(-1)).toBe('open')
  vi.advanceTimersByTime(39_999)
  expect(connections.at(-1)).toBe('quiet')
  const silent = last()
  vi.advanceTimersByTime(1)
  expect(silent.closed).toBe(true)
  expect(connections.at(-1)).toBe('reconnecting')
  vi.advanceTimersByTime(250)
  expect(sockets).toHaveLength(2)
  silent.onclose?.() // late, and of a connection that no longer counts
  expect(sockets).toHaveLength(2)
})

test('no network is told at once, and open again only when something is heard', () => {
  const { live, last, connections } = setup()
  live.start()
  last().onopen?.()
  last().say(welcome)
  live.offline()
  expect(connections.at(-1)).toBe('offline')
  last().say({ type: 'heartbeat' })
  expect(connections.at(-1)).toBe('open')
})

test('back on the network, a connection of before is not trusted', () => {
  const { live, last, sockets } = setup()
  live.start()
  last().onopen?.()
  last().say(welcome)
  live.wake()
  expect(sockets).toHaveLength(1)
  live.offline()
  live.wake()
  expect(sockets).toHaveLength(2)
})

test('a connection that was silent while the machine slept is not trusted', () => {
  const { live, last, sockets } = setup()
  live.start()
  last().onopen?.()
  last().say(welcome)
  vi.setSystemTime(Date.now() + 3_600_000) // no timer has run
  live.wake()
  expect(sockets).toHaveLength(2)
})

test('waits longer after each failure, and starts over after a welcome', () => {
  const { live, last, sockets } = setup()
  live.start()
  for (const wait of [250, 500, 1_000, 2_000]) {
    const before = sockets.length
    last().onclose?.()
    vi.advanceTimersByTime(wait - 1)
    expect(sockets).toHaveLength(before)
    vi.advanceTimersByTime(1)
    expect(sockets).toHaveLength(before + 1)
  }
  last().onopen?.()
  last().say(welcome)
  last().onclose?.()
  vi.advanceTimersByTime(250)
  expect(sockets).toHaveLength(6)
})

test('wake does not wait, and does not connect twice', () => {
  const { live, last, sockets } = setup()
  live.start()
  live.wake()
  expect(sockets).toHaveLength(1)
  last().onclose?.()
  live.wake()
  expect(sockets).toHaveLength(2)
  vi.advanceTimersByTime(1_000)
  expect(sockets).toHaveLength(2)
})

import type { EventFrame, Outgoing, ProblemBody, Result } from './api'
import { backoff } from './backoff'
import type { Invoice } from './model'

export type Frame =
  | { type: 'welcome'; token: string; resumed: boolean }
  | { type: 'ack'; id: string; position: string }
  | { type: 'refused'; id: string; problem: ProblemBody }
  | (Result & { type: 'result'; token?: string; events?: EventFrame[] })
  | { type: 'changed'; invoice: string; version: number; updatedAt?: string; state: Invoice; position?: string }
  | { type: 'heartbeat'; token?: string }

export type Connection = 'connecting' | 'open' | 'reconnecting'

/** The part of a WebSocket that is used. */
export interface Socket {
  send(text: string): void
  close(): void
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: (() => void) | null
}

export interface LiveOptions {
  open: () => Socket
  origin: string
  storage: Pick<Storage, 'getItem' | 'setItem'>
  onFrame: (frame: Frame) => void
  onConnection: (connection: Connection) => void
  random?: () => number
}

// The server sends a heartbeat every 15 s. A browser does not see pings, so silence is the only sign of a dead connection.
const silenceLimit = 40_000
const tokenKey = 'eventim.token'

/** The websocket of the page: it reconnects by itself and resumes where the last connection ended. */
export class Live {
  readonly #o: LiveOptions
  #socket: Socket | undefined
  #welcomed = false
  #attempt = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #silence: ReturnType<typeof setTimeout> | undefined

  constructor(options: LiveOptions) {
    this.#o = options
  }

  get isOpen(): boolean {
    return this.#welcomed
  }

  start(): void {
    this.#o.onConnection('connecting')
    this.#connect()
  }

  /** Sends a command; false when there is no connection and the caller has to find another way. */
  send(command: Outgoing): boolean {
    if (!this.#welcomed || !this.#socket) return false
    this.#socket.send(JSON.stringify({ type: 'command', ...command }))
    return true
  }

  /** Stops waiting for the next attempt: the network is back, or a person looks at the page again. */
  wake(): void {
    if (this.#retry === undefined) return
    clearTimeout(this.#retry)
    this.#connect()
  }

  #connect(): void {
    this.#retry = undefined
    const socket = this.#o.open()
    this.#socket = socket
    this.#listen(socket)
    socket.onopen = () => {
      const token = this.#o.storage.getItem(tokenKey)
      socket.send(JSON.stringify({ type: 'hello', origin: this.#o.origin, ...(token && { token }) }))
    }
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return
      this.#listen(socket)
      this.#receive(JSON.parse(String(data)) as Frame)
    }
    socket.onclose = () => this.#lost(socket)
  }

  #receive(frame: Frame): void {
    if (frame.type === 'welcome') {
      this.#welcomed = true
      this.#attempt = 0
      this.#o.onConnection('open')
    }
    this.#o.onFrame(frame)
    // Stored only now: were the page to end in onFrame, the next one asks for this frame again.
    if ('token' in frame && frame.token) this.#o.storage.setItem(tokenKey, frame.token)
  }

  #listen(socket: Socket): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      socket.close()
      this.#lost(socket) // a dead peer would let the closing handshake wait
    }, silenceLimit)
  }

  #lost(socket: Socket): void {
    if (socket !== this.#socket) return
    this.#socket = undefined
    this.#welcomed = false
    clearTimeout(this.#silence)
    this.#o.onConnection('reconnecting')
    this.#retry = setTimeout(() => this.#connect(), backoff(this.#attempt++, this.#o.random))
  }
}

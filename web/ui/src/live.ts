import type { EventFrame, Outgoing, ProblemBody, Result } from './api'
import { backoff } from './backoff'
import { readFrame } from './frames'
import type { Invoice } from './model'

export type Frame =
  | { type: 'welcome'; token: string; resumed: boolean }
  | { type: 'ack'; id: string; position: string }
  | { type: 'refused'; id: string; problem: ProblemBody }
  | (Result & { type: 'result'; token?: string; events?: EventFrame[] })
  | { type: 'changed'; invoice: string; version: number; updatedAt?: string; state: Invoice; position?: string }
  | { type: 'heartbeat'; token?: string }

/** open: frames arrive. quiet: none for longer than the server is ever silent. offline: the system says so. */
export type Connection = 'connecting' | 'open' | 'quiet' | 'reconnecting' | 'offline'

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
  onUnread: (wrong: string) => void // a frame that cannot be used: nobody knows what it would have changed
  onNewer: () => void // the server says what this page does not know
  onConnection: (connection: Connection) => void
  online?: () => boolean
  random?: () => number
}

// The server sends a heartbeat every 15 s. A browser does not see pings, so silence is the only sign of a dead connection.
const heartbeatLimit = 20_000
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
  #heard = 0
  #told: Connection | undefined

  constructor(options: LiveOptions) {
    this.#o = options
  }

  get isOpen(): boolean {
    return this.#welcomed
  }

  start(): void {
    this.#tell('connecting')
    this.#connect()
  }

  /** Sends a command; false when there is no connection and the caller has to find another way. */
  send(command: Outgoing): boolean {
    if (!this.#welcomed || !this.#socket) return false
    this.#socket.send(JSON.stringify({ type: 'command', ...command }))
    return true
  }

  /** The network is back, or a person looks at the page again: connects at once if there is nothing that can be trusted. */
  wake(): void {
    // Timers stand still while a machine sleeps, so the clock is asked too.
    if (this.#socket && Date.now() - this.#heard > heartbeatLimit) this.#drop(this.#socket)
    if (this.#retry === undefined) return
    clearTimeout(this.#retry)
    this.#connect()
  }

  /** The system says that there is no network. A connection that never needed one shows its life by the next frame. */
  offline(): void {
    this.#heard = 0
    this.#tell('offline')
  }

  #tell(connection: Connection): void {
    if (connection === this.#told) return
    this.#told = connection
    this.#o.onConnection(connection)
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
      if (this.#welcomed) this.#tell('open')
      this.#read(data)
    }
    socket.onclose = () => this.#lost(socket)
  }

  #read(data: unknown): void {
    const { frame, newer, wrong } = readFrame(data)
    if (newer) this.#o.onNewer()
    if (frame) this.#receive(frame)
    else this.#o.onUnread(wrong ?? '')
  }

  #receive(frame: Frame): void {
    if (frame.type === 'welcome') {
      this.#welcomed = true
      this.#attempt = 0
      this.#tell('open')
    }
    this.#o.onFrame(frame)
    // Stored only now: were the page to end in onFrame, the next one asks for this frame again.
    if ('token' in frame && frame.token) this.#o.storage.setItem(tokenKey, frame.token)
  }

  #listen(socket: Socket): void {
    clearTimeout(this.#silence)
    this.#heard = Date.now()
    this.#silence = setTimeout(() => {
      if (this.#welcomed) this.#tell('quiet')
      this.#silence = setTimeout(() => this.#drop(socket), silenceLimit - heartbeatLimit)
    }, heartbeatLimit)
  }

  #drop(socket: Socket): void {
    socket.close()
    this.#lost(socket) // a dead peer would let the closing handshake wait
  }

  #lost(socket: Socket): void {
    if (socket !== this.#socket) return
    this.#socket = undefined
    this.#welcomed = false
    clearTimeout(this.#silence)
    this.#tell(this.#o.online?.() === false ? 'offline' : 'reconnecting')
    this.#retry = setTimeout(() => this.#connect(), backoff(this.#attempt++, this.#o.random))
  }
}

import { QueryCache, QueryClient } from '@tanstack/react-query'
import { type Me, Problem, getMe, lookUp, postCommand } from './api'
import { Cache } from './cache'
import { Commands } from './commands'
import { type Connection, type Frame, Live, type Socket } from './live'
import { announceOutcome } from './notices'
import { origin, storage } from './session'
import { Store } from './store'
import { settleWork } from './unsaved'
import { t } from './language/text'

// The one place where the parts of the page are put together.

export const connection = new Store<Connection>('connecting')
export const databaseDown = new Store(false)
export const me = new Store<Me>({ login: false, known: false, role: '' })
export const announcement = new Store('')
export const outdated = new Store(false) // the server is newer than this page

function noticeDatabase(error: unknown): void {
  if (error instanceof Problem && error.code === 'database_unavailable') databaseDown.set(true)
}

/** Who looks at the page. A server that cannot say it leaves what it said before. */
function askWho(): void {
  getMe().then((who) => me.set(who), () => undefined)
}

function rethrowNoticed(error: unknown): never {
  noticeDatabase(error)
  throw error
}

export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onSuccess: () => databaseDown.set(false),
    onError: noticeDatabase,
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchInterval: (query) => (query.state.error || databaseDown.get() ? 5_000 : 30_000),
      retry: (failures, error) => !(error instanceof Problem) && failures < 2,
      networkMode: 'always',
    },
  },
})

export const cache = new Cache(queries)

export const commands = new Commands({
  storage,
  send: (command) => live.send(command),
  post: (command) => postCommand(command, origin),
  lookUp: (id, invoice) => lookUp(id, invoice).catch(rethrowNoticed),
  onResult: ({ invoice: id, outcome, version, state, effect }) => {
    if (outcome !== 'accepted') return
    if (state && version) cache.apply({ id, version, state, at: new Date().toISOString() }, effect)
    else void queries.invalidateQueries({ queryKey: ['invoice', id] })
  },
  onOutcome: (outcome) => {
    settleWork(outcome, cache.known(outcome.change.invoice)) // before it is told: forms look at what is left
    announceOutcome(outcome)
  },
})

const told: Record<Connection, string> = {
  connecting: '',
  open: t('Connected again. Changes appear by themselves.'),
  quiet: t('Nothing is heard from the server. What you see may be old.'),
  reconnecting: t('Connection lost. Reconnecting.'),
  offline: t('You are offline.'),
}

export const live: Live = new Live({
  open: () => {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    return new WebSocket(`${scheme}://${location.host}/api/live`, 'eventim.v1.json') as Socket
  },
  origin,
  storage,
  onFrame: receive,
  onUnread: (wrong) => {
    console.warn(`A frame of the server could not be read: ${wrong}.`)
    cache.refetch() // the views tell what it would have
  },
  onNewer: () => outdated.set(true),
  onConnection: (next) => {
    const before = connection.get()
    connection.set(next)
    if (next === 'open' || next === 'reconnecting') askWho() // a session that ends closes the connection
    if (next === 'open' ? before !== 'connecting' : before === 'open') announcement.set(told[next])
  },
  online: () => navigator.onLine,
})

function receive(frame: Frame): void {
  switch (frame.type) {
    case 'welcome':
      // A resumed connection replays what was missed; after any other nobody knows what that was.
      if (!frame.resumed) cache.refetch()
      return commands.welcomed(frame.resumed)
    case 'ack':
      return commands.stored(frame.id)
    case 'refused':
      return commands.refused(frame.id, frame.problem)
    case 'result':
      return commands.received(frame)
    case 'changed': {
      const { invoice: id, version, state, position, updatedAt = new Date().toISOString() } = frame
      return cache.gather({ id, version, state, at: updatedAt }, position)
    }
    case 'heartbeat':
  }
}

export function start(): void {
  commands.start()
  live.start()
  window.addEventListener('online', () => live.wake())
  window.addEventListener('offline', () => live.offline())
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && live.wake())
}

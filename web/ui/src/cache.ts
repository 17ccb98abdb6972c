import type { QueryClient } from '@tanstack/react-query'
import type { ListFilter } from './api'
import { utcToday } from './dates'
import { type List, belongs } from './list'
import { type Detail, type Invoice, type ListPage, type Row, isOverdue } from './model'

/** An invoice as a frame of the websocket showed it, which may be ahead of every view. */
export interface Known {
  id: string
  version: number
  state: Invoice
  at: string
}

export function newerDetail(detail: Detail | undefined, known: Known | undefined): Detail | undefined {
  if (!known || (detail && detail.version >= known.version)) return detail
  const { id, version, at, state } = known
  return { id, version, updatedAt: at, overdue: isOverdue(state, utcToday()), invoice: state }
}

export function newerRow(row: Row, known: Known | undefined): Row {
  if (!known || row.version >= known.version) return row
  const { version, at, state } = known
  const { status, currency, total, paid, balance, issueDate, dueDate } = state
  const overdue = isOverdue(state, utcToday())
  const customerName = state.customer.name
  const number = state.number !== undefined && { number: state.number }
  return { id: row.id, ...number, version, updatedAt: at, customerName, status, currency, total, paid, balance, issueDate, dueDate, overdue }
}

/** The page with what is known to be newer; without rows that, by what is known, do not belong to the list any more. */
export function newerPage(page: ListPage, filter: ListFilter, known: (id: string) => Known | undefined): ListPage {
  const invoices = page.invoices.flatMap((row) => {
    const newer = newerRow(row, known(row.id))
    return newer === row || belongs(newer, filter) ? [newer] : []
  })
  return { ...page, invoices }
}

/** The list with the news in their places; without those that, by the news, do not belong to it any more. */
function newerList(list: List, filter: ListFilter, news: Map<string, Known>): List {
  if (!list.rows.some((row) => news.has(row.id))) return list
  const rows = list.rows.map((row) => newerRow(row, news.get(row.id)))
  return { ...list, rows: rows.filter((row) => !news.has(row.id) || belongs(row, filter)) }
}

const keep = 5_000
const gather = 100
const settle = 400
const atLatest = 2_000

/** Keeps what the queries hold at the newest version seen. A view that lags never takes an invoice back in time. */
export class Cache {
  losses = 0 // how often changes were missed: a list that was read before one has to be read anew
  position: string | undefined // of the newest command heard of: a list that is read now has to include it
  readonly #queries: QueryClient
  readonly #known = new Map<string, Known>()
  readonly #gathered = new Map<string, Known>()
  #flush: ReturnType<typeof setTimeout> | undefined
  #refresh: ReturnType<typeof setTimeout> | undefined
  #staleSince = 0

  constructor(queries: QueryClient) {
    this.#queries = queries
  }

  known = (id: string): Known | undefined => this.#known.get(id)

  /** A result of this page: shown at once. */
  apply(known: Known, position?: string): void {
    this.#gathered.set(known.id, known)
    this.#write(position)
  }

  /** Anybody's change: many may come per second, so they are written together. */
  gather(known: Known, position?: string): void {
    this.position = position ?? this.position
    const before = this.#gathered.get(known.id)
    if (!before || before.version < known.version) this.#gathered.set(known.id, known)
    this.#flush ??= setTimeout(() => this.#write(undefined), gather)
  }

  /** Reads everything again: after a reconnect that could not be resumed nobody knows which changes were missed. */
  refetch(): void {
    this.position = undefined
    this.losses++
    void this.#queries.invalidateQueries()
  }

  /** Reads everything as if for the first time: something that is kept cannot be drawn. */
  forget(): void {
    this.#known.clear()
    this.#gathered.clear()
    this.position = undefined
    this.losses++
    void this.#queries.resetQueries()
  }

  #write(position: string | undefined): void {
    clearTimeout(this.#flush)
    this.#flush = undefined
    const news = [...this.#gathered.values()].filter((k) => (this.#known.get(k.id)?.version ?? 0) < k.version)
    this.#gathered.clear()
    if (news.length === 0) return
    this.position = position ?? this.position // a repeat of what is known leaves that of the news
    for (const known of news) this.#remember(known)
    const byId = new Map(news.map((k) => [k.id, k]))
    for (const { queryKey } of this.#queries.getQueryCache().findAll({ queryKey: ['invoices'] })) {
      const filter = queryKey[1] as ListFilter
      this.#queries.setQueryData<List>(queryKey, (list) => list && newerList(list, filter, byId))
    }
    this.#refetchSoon()
  }

  #remember(known: Known): void {
    this.#known.delete(known.id)
    this.#known.set(known.id, known)
    if (this.#known.size > keep) this.#known.delete(this.#known.keys().next().value ?? '')
    const detail = newerDetail(this.#queries.getQueryData<Detail>(['invoice', known.id]), known)
    this.#queries.setQueryData(['invoice', known.id], detail)
    void this.#queries.invalidateQueries({ queryKey: ['history', known.id] })
  }

  /** Totals and membership of a filter are the server's to say: read again when the changes pause, or after 2 s. */
  #refetchSoon(): void {
    const now = Date.now()
    if (this.#refresh === undefined) this.#staleSince = now
    clearTimeout(this.#refresh)
    const read = () => {
      this.#refresh = undefined
      void this.#queries.invalidateQueries({ queryKey: ['invoices'] })
    }
    this.#refresh = setTimeout(read, Math.max(0, Math.min(settle, this.#staleSince + atLatest - now)))
  }
}

import type { ListFilter } from './api'
import type { ListPage, Row } from './model'

/** The list as far as it has been read: rows in the order in which the person sees them, and what is known of all. */
export interface List extends Omit<ListPage, 'invoices' | 'next'> {
  rows: Row[]
  next: string // cursor of what follows the rows; empty when they are all
  more: boolean // more than the first page was read
  losses: number // of the cache, when it was read
}

export const firstPage = 50
export const nextPages = 200

export function listOf({ invoices, next = '', count, totals }: ListPage, losses: number): List {
  return { rows: invoices, next, count, totals, more: false, losses }
}

/** Appends a page. A row that has moved up while the pages were read stays where it is. */
export function append(list: List, { invoices, next = '', count, totals }: ListPage): List {
  const has = new Set(list.rows.map((r) => r.id))
  return { ...list, rows: [...list.rows, ...invoices.filter((r) => !has.has(r.id))], next, count, totals, more: true }
}

/** Whether a row belongs to the list. A search is the server's to judge: what it found once stays. */
export function belongs(row: Row, { status, issuedFrom, issuedTo, dueFrom, dueTo }: ListFilter): boolean {
  if (row.status === 'deleted') return false
  if (!isWithin(row.issueDate, issuedFrom, issuedTo) || !isWithin(row.dueDate, dueFrom, dueTo)) return false
  return status === '' || (status === 'overdue' ? row.overdue : row.status === status)
}

function isWithin(day: string, from = '', to = ''): boolean {
  return day >= from && (to === '' || day <= to)
}

const time = (row: Row | undefined) => (row ? Date.parse(row.updatedAt) : 0)

/**
 * Takes the first page, read again after a change, into a list of any length that has the last changed first: this is the
 * only page that one change can have touched, since what changes moves to its top. Rows that are on the screen keep their places, new ones come first.
 *
 * trusted says of a row whether it is shown as a frame of the websocket brought it, which may be newer than the page.
 * undefined: so much has changed that the page no longer meets the list, which has to be read anew.
 */
export function refresh(list: List, page: ListPage, trusted: (row: Row) => boolean): List | undefined {
  const fresh = new Map(page.invoices.map((r) => [r.id, r]))
  const complete = !page.next
  if (!complete && list.rows.length > 0 && !list.rows.some((r) => fresh.has(r.id))) return undefined
  const reach = complete ? -1 : time(page.invoices.at(-1)) // rows changed later than this would be in the page
  const kept = list.rows.flatMap((row) => {
    const again = fresh.get(row.id)
    fresh.delete(row.id)
    if (again) return again.version > row.version ? [again] : [row]
    return trusted(row) || time(row) <= reach ? [row] : []
  })
  const { count, totals } = page
  return { ...list, rows: [...fresh.values(), ...kept], next: list.more ? list.next : (page.next ?? ''), count, totals }
}

/** The last changed first, as the server would list it now: for a person who comes anew. */
export function sorted(list: List): List {
  const rows = list.rows.toSorted((a, b) => time(b) - time(a))
  return rows.every((row, i) => row === list.rows[i]) ? list : { ...list, rows }
}

import { useBrowserLocation, useSearch } from 'wouter/use-browser-location'
import type { FilterChange } from './filter'

// Ids of invoices are chosen by clients, and may be "2026/001", "50%" or "..".

// Browsers take "." and ".." for folders, "%2e%2e" too, and the server "%2F" for the end of one, so in a path such an id
// begins with a mark.
const marked = /^~*(\.{1,2}|\/)$/

/** An id as one segment of a path. */
export function segment(id: string): string {
  return encodeURIComponent(marked.test(id) ? `~${id}` : id)
}

/** The id that segment wrote; text that is not encoded well stands for itself. */
export function idOf(written: string): string {
  const id = decoded(written)
  return id.startsWith('~') && marked.test(id) ? id.slice(1) : id
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export const newPath = '/new'

/** A new invoice that begins as a copy of another one. */
export function copyPath(id: string): string {
  return `${newPath}?${new URLSearchParams({ copy: id })}`
}

/** The list with a filter: a reload, the back button and a link that is passed on keep it. */
export function listPath(filter: FilterChange = {}): string {
  const entries = Object.entries(filter).filter(([, value]) => value !== '')
  return entries.length === 0 ? '/' : `/?${new URLSearchParams(entries)}`
}

/** An invoice with a form open on it. */
export function askPath(id: string, ask: 'pay'): string {
  return `${invoicePath(id)}?ask=${ask}`
}

export function invoicePath(id: string, part?: 'edit' | 'history'): string {
  return part ? `/invoices/${segment(id)}/${part}` : `/invoices/${segment(id)}`
}

/** The history of an invoice at a version, beside what it is compared with; the newest version and the one before are not said. */
export function historyPath(id: string, version?: number, from?: number): string {
  const query = new URLSearchParams()
  if (version) query.set('version', String(version))
  if (from) query.set('from', String(from))
  return query.size > 0 ? `${invoicePath(id, 'history')}?${query}` : invoicePath(id, 'history')
}

// wouter decodes what a hook returns with decodeURI, which makes "%252F" and "%2F" the same. Escaped once more, paths and
// searches arrive as they stand in the address.
const escaped = (text: string) => text.replaceAll('%', '%25')

/** The location for wouter: paths and searches stay encoded. */
export const useEncodedLocation: typeof useBrowserLocation = (options) => {
  const [path, navigate] = useBrowserLocation(options)
  return [escaped(path), navigate]
}

export const useEncodedSearch: typeof useSearch = (options) => escaped(useSearch(options))

import { type ListFilter, dateBounds, sortKeys } from './api'

export const listed = ['', 'draft', 'sent', 'partially_paid', 'overdue', 'paid', 'written_off', 'void'] as const satisfies readonly ListFilter['status'][]

/** What of the filter is to be different; an empty text takes a part of it away. */
export type FilterChange = { [K in keyof ListFilter]?: ListFilter[K] | '' }

const day = /^\d{4}-\d{2}-\d{2}$/

/** The filter that an address names. What it does not know it leaves out. */
export function filterOf(params: URLSearchParams): ListFilter {
  const filter: ListFilter = { status: listed.find((s) => s === params.get('status')) ?? '', q: params.get('q') ?? '' }
  const sort = params.get('sort') ?? ''
  const key = sortKeys.find((k) => k === sort.replace(/^-/, ''))
  if (key) filter.sort = sort.startsWith('-') ? `-${key}` : key
  for (const bound of dateBounds) {
    const value = params.get(bound) ?? ''
    if (day.test(value) && !Number.isNaN(Date.parse(value))) filter[bound] = value
  }
  return filter
}

import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { type ListFilter, Problem, getHistory, getInvoice, listInvoices } from './api'
import { cache } from './app'
import { newerDetail, newerPage } from './cache'
import type { Detail } from './model'

export function useInvoices(filter: ListFilter) {
  return useInfiniteQuery({
    queryKey: ['invoices', filter],
    initialPageParam: '',
    queryFn: async ({ pageParam, signal }) =>
      newerPage(await listInvoices(filter, pageParam, cache.position, signal), cache.known),
    getNextPageParam: (page) => (page.next === '' ? undefined : page.next),
    placeholderData: keepPreviousData,
  })
}

async function readInvoice(id: string, signal: AbortSignal): Promise<Detail> {
  const known = cache.known(id)
  try {
    const read = await getInvoice(id, signal)
    return newerDetail(read, cache.known(id)) ?? read
  } catch (error) {
    // The view may not have it yet, while a frame already showed it.
    const detail = newerDetail(undefined, known)
    if (detail && error instanceof Problem && error.body.status === 404) return detail
    throw error
  }
}

export function useInvoice(id: string) {
  return useQuery({ queryKey: ['invoice', id], queryFn: ({ signal }) => readInvoice(id, signal) })
}

export function useHistory(id: string) {
  return useQuery({ queryKey: ['history', id], queryFn: ({ signal }) => getHistory(id, cache.position, signal) })
}

import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useState } from 'react'
import { type ListFilter, Problem, getDiff, getHistory, getInvoice, getVersion, listInvoices } from './api'
import { cache, queries } from './app'
import { newerDetail, newerPage } from './cache'
import { type List, append, firstPage, listOf, nextPages, refresh, sorted } from './list'
import type { Detail, Row } from './model'

const keyOf = (filter: ListFilter) => ['invoices', filter] as const
const isKnown = (row: Row) => cache.known(row.id)?.version === row.version

/**
 * Reads the list for the first time, or what has changed of it since: one request, however long it has become. A list that is
 * sorted by something else is read anew, since a change can have moved a row anywhere.
 */
async function readList(filter: ListFilter, signal: AbortSignal): Promise<List> {
  const losses = cache.losses
  const page = newerPage(await listInvoices(filter, { limit: firstPage, position: cache.position, signal }), filter, cache.known)
  // Changes were missed while it was read. react-query does not begin the first read of a list again, as it does others.
  if (cache.losses !== losses) return readList(filter, signal)
  const list = queries.getQueryData<List>(keyOf(filter))
  const same = list?.losses === losses && !filter.sort ? refresh(list, page, isKnown) : undefined
  return same ?? readAnew(filter, listOf(page, losses), list?.rows.length ?? 0, signal)
}

/** Reads on until the list is as long as it was, so that it does not shrink under the person who looks at it. */
async function readAnew(filter: ListFilter, list: List, length: number, signal: AbortSignal): Promise<List> {
  let read = list
  while (read.next && read.rows.length < length) read = append(read, await readNext(filter, read, signal))
  return read
}

async function readNext(filter: ListFilter, { next: cursor }: List, signal?: AbortSignal) {
  return newerPage(await listInvoices(filter, { cursor, limit: nextPages, ...(signal && { signal }) }), filter, cache.known)
}

export function useInvoices(filter: ListFilter) {
  const client = useQueryClient()
  const [reading, setReading] = useState(false)
  const query = useQuery({
    queryKey: keyOf(filter),
    queryFn: ({ signal }) => readList(filter, signal),
    placeholderData: keepPreviousData,
  })
  const comeAnew = useEffectEvent(() => {
    if (!filter.sort) client.setQueryData<List>(keyOf(filter), (list) => list && sorted(list))
  })
  const written = JSON.stringify(filter)
  useEffect(() => comeAnew(), [written])

  const readMore = async () => {
    const list = query.data
    if (!list?.next || reading || query.isPlaceholderData) return
    setReading(true)
    try {
      const page = await readNext(filter, list)
      client.setQueryData<List>(keyOf(filter), (now) => (now?.next === list.next ? append(now, page) : now))
    } catch {
      void query.refetch() // which tells what is wrong
    } finally {
      setReading(false)
    }
  }
  return { ...query, reading, readMore }
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

// What is past does not change: it is read once, and again only while it cannot be read.
const past = { staleTime: Infinity, refetchInterval: (query: { state: { error: Error | null } }) => (query.state.error ? 5_000 : (false as const)) }

/** An invoice as it was. Until it has been read, what was shown before stays. */
export function useVersion(id: string, version: number, enabled: boolean) {
  return useQuery({
    ...past,
    queryKey: ['version', id, version],
    queryFn: ({ signal }) => getVersion(id, version, cache.position, signal),
    placeholderData: keepPreviousData,
    enabled,
  })
}

/** What makes one version of another. */
export function useDiff(id: string, from: number, to: number) {
  return useQuery({
    ...past,
    queryKey: ['diff', id, from, to],
    queryFn: ({ signal }) => getDiff(id, from, to, cache.position, signal),
    enabled: from > 0,
  })
}

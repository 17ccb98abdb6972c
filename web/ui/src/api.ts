import type { Change, Detail, HistoryEntry, Invoice, ListPage, Status } from './model'
import { segment } from './paths'

/** application/problem+json (RFC 9457) with the code of this product. */
export interface ProblemBody {
  type?: string
  title?: string
  status: number
  detail?: string
  code?: string
  currentVersion?: number
  pointer?: string
  retryAfter?: number
}

export class Problem extends Error {
  readonly body: ProblemBody

  constructor(body: ProblemBody) {
    super(body.detail ?? body.title ?? `The server answered ${body.status}.`)
    this.name = 'Problem'
    this.body = body
  }

  get code(): string {
    return this.body.code ?? ''
  }
}

export type CommandName =
  | 'CreateInvoice'
  | 'ChangeDetails'
  | 'AddLineItem'
  | 'ChangeLineItem'
  | 'RemoveLineItem'
  | 'ReviseDraft'
  | 'SendInvoice'
  | 'ReceivePayment'
  | 'DeleteInvoice'
  | 'VoidInvoice'
  | 'WriteOffInvoice'

export interface EventFrame {
  type: string
  version: number
  data: unknown
}

/** The answer to one command, however it came: by websocket, by POST or by a later look-up. */
export interface Result {
  id: string
  invoice: string
  outcome: 'accepted' | 'rejected' | 'failed'
  version?: number
  code?: string
  message?: string
  pointer?: string
  currentVersion?: number
  events?: EventFrame[]
  state?: Invoice
  effect?: string // of what this tells: a read waits for it; absent when nothing took effect
}

export type Answer =
  | { kind: 'result'; result: Result }
  | { kind: 'stored' }
  | { kind: 'refused'; problem: ProblemBody }
  | { kind: 'unavailable'; code: string; retryAfter: number }

export interface Outgoing {
  id: string
  invoice: string
  command: CommandName
  expected?: number
  payload: unknown
}

export const sortKeys = ['customer', 'status', 'issued', 'due', 'total', 'balance'] as const
export type SortKey = (typeof sortKeys)[number]

export const dateBounds = ['issuedFrom', 'issuedTo', 'dueFrom', 'dueTo'] as const
export type DateBound = (typeof dateBounds)[number]

/** Which invoices are listed, and in which order; without sort the last changed come first. Dates are days, and count themselves. */
export interface ListFilter extends Partial<Record<DateBound, string>> {
  status: Status | 'overdue' | ''
  q: string
  sort?: SortKey | `-${SortKey}`
}

async function problemOf(response: Response): Promise<ProblemBody> {
  const body = (await response.json().catch(() => ({}))) as Partial<ProblemBody>
  const retryAfter = Number(response.headers.get('Retry-After'))
  return { ...body, status: response.status, ...(retryAfter > 0 && { retryAfter }) }
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(`/api${path}`, { headers: { Accept: 'application/json' }, ...(signal && { signal }) })
  if (!response.ok) throw new Problem(await problemOf(response))
  return (await response.json()) as T
}

/**
 * Reads a view that has applied the command at position, so that people read their own writes. A view that does not catch
 * up in time is read as it is: frames of the websocket have shown what it lacks.
 */
async function getFresh<T>(path: string, query: URLSearchParams, position?: string, signal?: AbortSignal): Promise<T> {
  const plain = query.size > 0 ? `${path}?${query}` : path
  if (!position) return get<T>(plain, signal)
  try {
    return await get<T>(`${path}?${new URLSearchParams([...query, ['position', position], ['wait', '2s']])}`, signal)
  } catch (error) {
    if (error instanceof Problem && error.code === 'view_behind') return get<T>(plain, signal)
    throw error
  }
}

interface PageOf {
  cursor?: string
  limit: number
  position?: string | undefined
  signal?: AbortSignal
}

function selection({ status, ...rest }: ListFilter): URLSearchParams {
  const query = new URLSearchParams(Object.entries(rest).filter(([, value]) => value))
  if (status === 'overdue') query.set('overdue', 'true')
  else if (status) query.set('status', status)
  return query
}

/** The list as a file for spreadsheets: all of it, not only the pages that were read. */
export function exportPath(filter: ListFilter): string {
  const query = selection(filter)
  return query.size > 0 ? `/api/invoices.csv?${query}` : '/api/invoices.csv'
}

export function listInvoices(filter: ListFilter, { cursor, limit, position, signal }: PageOf) {
  const query = selection(filter)
  query.set('limit', String(limit))
  if (cursor) query.set('cursor', cursor)
  return getFresh<ListPage>('/invoices', query, position, signal)
}

/** Who asks: where nobody can log in, everybody may do everything. */
export interface Me {
  login: boolean
  known: boolean
  name?: string
  role: string
}

export function getMe() {
  return get<Me>('/me')
}

export function getInvoice(id: string, signal: AbortSignal) {
  return get<Detail>(`/invoices/${segment(id)}`, signal)
}

export async function getHistory(id: string, position: string | undefined, signal: AbortSignal): Promise<HistoryEntry[]> {
  const path = `/invoices/${segment(id)}/history`
  return (await getFresh<{ events: HistoryEntry[] }>(path, new URLSearchParams(), position, signal)).events
}

/** Reads what is past. It never changes, so that the browser keeps it, unless it is so young that the view has to be waited for. */
async function getPast<T>(path: string, query: URLSearchParams, position: string | undefined, signal: AbortSignal): Promise<T> {
  try {
    return await get<T>(`${path}?${query}`, signal)
  } catch (error) {
    if (position && error instanceof Problem && error.code === 'version_not_found') return getFresh<T>(path, query, position, signal)
    throw error
  }
}

export function getVersion(id: string, version: number, position: string | undefined, signal: AbortSignal) {
  return getPast<Detail>(`/invoices/${segment(id)}`, new URLSearchParams({ version: String(version) }), position, signal)
}

/** What makes one version of another, field by field. */
export async function getDiff(id: string, from: number, to: number, position: string | undefined, signal: AbortSignal): Promise<Change[]> {
  const query = new URLSearchParams({ from: String(from), to: String(to) })
  return (await getPast<{ changes: Change[] }>(`/invoices/${segment(id)}/diff`, query, position, signal)).changes
}

interface CommandBody {
  commandId: string
  invoiceId?: string
  outcome: Result['outcome'] | 'pending'
  version?: number
  code?: string
  message?: string
  currentVersion?: number
  events?: EventFrame[]
  invoice?: Invoice
  effect?: string
}

function toResult(id: string, invoice: string, body: CommandBody): Result | undefined {
  if (body.outcome === 'pending') return undefined
  const { commandId, invoiceId, invoice: state, outcome, ...rest } = body
  return { ...rest, id, invoice, outcome, ...(state && { state }) }
}

/** The result of a command, whose id belongs to its invoice; undefined while it is not known. */
export async function lookUp(id: string, invoice: string): Promise<Result | undefined> {
  try {
    return toResult(id, invoice, await get<CommandBody>(`/invoices/${segment(invoice)}/commands/${segment(id)}`))
  } catch (error) {
    if (error instanceof Problem && error.body.status === 404) return undefined
    throw error
  }
}

/** The way for commands while there is no websocket. It never throws: no answer is an answer too. */
export async function postCommand(command: Outgoing, origin: string): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(`/api/invoices/${segment(command.invoice)}/commands/${command.command}`, {
      method: 'POST',
      body: JSON.stringify(command.payload),
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': command.id,
        'Eventim-Origin': origin,
        Prefer: 'wait=5',
        ...(command.expected !== undefined && { 'If-Match': `"${command.expected}"` }),
      },
    })
  } catch {
    return { kind: 'unavailable', code: 'offline', retryAfter: 0 }
  }
  if (!response.ok) return failedPost(command, await problemOf(response))
  const body = (await response.json().catch(() => undefined)) as CommandBody | undefined
  if (!body) return { kind: 'unavailable', code: 'offline', retryAfter: 0 }
  const result = toResult(command.id, command.invoice, body)
  return result ? { kind: 'result', result } : { kind: 'stored' }
}

function failedPost(command: Outgoing, problem: ProblemBody): Answer {
  const code = problem.code ?? ''
  if (isTransient(problem)) return { kind: 'unavailable', code: code || 'offline', retryAfter: problem.retryAfter ?? 0 }
  if (problem.status !== 422 && problem.status !== 412 && problem.status < 500) return { kind: 'refused', problem }
  return {
    kind: 'result',
    result: {
      id: command.id,
      invoice: command.invoice,
      outcome: 'rejected',
      code,
      message: problem.detail ?? problem.title ?? '',
      ...(problem.currentVersion !== undefined && { currentVersion: problem.currentVersion }),
      ...(problem.pointer !== undefined && { pointer: problem.pointer }),
    },
  }
}

const transient = [408, 429, 502, 503, 504]

/** Whether the same request may succeed later, unchanged. A 500 with a code of its own is the handler's final answer. */
export function isTransient({ status, code }: ProblemBody): boolean {
  return transient.includes(status) || (status >= 500 && (!code || code === 'internal'))
}

import type { CommandName, Outgoing } from './api'
import type { Invoice } from './model'

export interface Step {
  command: CommandName
  payload: unknown
}

/**
 * A change that has no result yet. It may need several commands: they go one after another, each expecting the version
 * that the one before it left, and they are kept as one record, so that a reload between two of them loses none.
 */
export interface Pending {
  id: string // of the command on its way; a retry uses the same one
  batch: string // id of the change's first command
  invoice: string
  about: string // whose invoice, for people
  expected?: number
  seen?: Invoice // at that version, as the person saw it
  step: Step
  rest: Step[]
  made?: Step[] // accepted so far, in order
  since: number // ms since 1970; when this command was made
  phase: 'sending' | 'stored'
  trouble?: string // why it has not been stored yet: "offline", "kafka_unavailable"
}

export type PendingAction =
  | { type: 'submitted'; pending: Pending }
  | { type: 'stored'; id: string }
  | { type: 'troubled'; id: string; trouble: string }
  | { type: 'advanced'; id: string; next: string; expected: number; at: number }
  | { type: 'settled'; id: string }

export function reduce(all: readonly Pending[], action: PendingAction): readonly Pending[] {
  switch (action.type) {
    case 'submitted':
      return [...all, action.pending]
    case 'stored':
      return change(all, action.id, ({ trouble: _, ...p }) => ({ ...p, phase: 'stored' }))
    case 'troubled':
      // A command that Kafka has stays stored, whatever happens to a later repeat of it.
      return change(all, action.id, (p) => (p.phase === 'stored' ? p : { ...p, trouble: action.trouble }))
    case 'advanced':
      return change(all, action.id, (p) => advance(p, action))
    case 'settled':
      return all.filter((p) => p.id !== action.id)
  }
}

function change(all: readonly Pending[], id: string, to: (p: Pending) => Pending): readonly Pending[] {
  return all.map((p) => (p.id === id ? to(p) : p))
}

function advance({ trouble: _, ...p }: Pending, to: { next: string; expected: number; at: number }): Pending {
  const [step, ...rest] = p.rest
  if (!step) throw new Error(`change ${p.batch} has no further step`)
  const made = [...(p.made ?? []), p.step]
  return { ...p, id: to.next, expected: to.expected, step, rest, made, since: to.at, phase: 'sending' }
}

export function outgoing(p: Pending): Outgoing {
  const { id, invoice, step, expected } = p
  return { id, invoice, command: step.command, payload: step.payload, ...(expected !== undefined && { expected }) }
}

/** How a person reads the wait. */
export type Wait = 'saving' | 'stored' | 'parked' | 'unsent'

export function waitOf(p: Pending, now: number): Wait {
  const age = now - p.since
  if (p.phase === 'sending') return p.trouble || age >= 2_000 ? 'unsent' : 'saving'
  if (age < 2_000) return 'saving'
  return age < 8_000 ? 'stored' : 'parked'
}

const key = 'eventim.pending'

export function load(storage: Pick<Storage, 'getItem'>): readonly Pending[] {
  try {
    const value: unknown = JSON.parse(storage.getItem(key) ?? '[]')
    return Array.isArray(value) ? (value as Pending[]) : []
  } catch {
    return []
  }
}

export function save(storage: Pick<Storage, 'setItem'>, all: readonly Pending[]): void {
  storage.setItem(key, JSON.stringify(all))
}

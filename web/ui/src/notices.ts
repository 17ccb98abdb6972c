import type { Outcome } from './commands'
import { asSentence, titleOf } from './problems'
import { completed, request } from './sentences'
import { Store } from './store'

export const conflicts = new Store<readonly Outcome[]>([])
export const toasts = new Store<readonly Toast[]>([])

export interface Toast {
  key: number
  kind: 'done' | 'failed'
  title: string
  text: string
  invoice: string
}

const watched = new Set<string>()

/** While a form shows what becomes of its change, a rejection of it needs no toast. */
export function watch(batch: string): () => void {
  watched.add(batch)
  return () => watched.delete(batch)
}

let toastKey = 0

/** Tells what became of a change: a conflict by a dialog, all else by a message, unless a form shows it. */
export function announceOutcome(outcome: Outcome): void {
  const { kind, change, code, message } = outcome
  if (kind === 'conflict') return conflicts.update((all) => [...all, outcome])
  if (kind === 'accepted') return toast('done', completed(change.step), change.about, change.invoice)
  if (watched.has(change.batch)) return
  toast('failed', titleOf(code), `${request(change.step)} (${change.about}): ${asSentence(message)}`, change.invoice)
}

function toast(kind: Toast['kind'], title: string, text: string, invoice: string): void {
  const key = toastKey++
  toasts.update((all) => [...all, { key, kind, title, text, invoice }])
  if (kind === 'done') setTimeout(() => dismiss(key), 6_000)
}

export function dismiss(key: number): void {
  toasts.update((all) => all.filter((t) => t.key !== key))
}

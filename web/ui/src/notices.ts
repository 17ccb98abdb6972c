import type { Outcome } from './commands'
import { invoicePath } from './paths'
import type { Pending } from './pending'
import { explain, titleOf } from './problems'
import { completed, request } from './sentences'
import { Store } from './store'
import { t } from './language/text'

export const conflicts = new Store<readonly Outcome[]>([])
export const toasts = new Store<readonly Toast[]>([])

export interface Toast {
  key: number
  kind: 'done' | 'kept' | 'failed'
  title: string
  text: string
  path: string
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
  const text = `${request(change.step)} (${change.about}): ${explain(code, message)}${savedInPart(change)}`
  add({ kind: 'failed', title: titleOf(code), text, path: change.step.command === 'CreateInvoice' ? '/new' : invoicePath(change.invoice) })
}

/** What a change of several commands had done before it failed; nothing of it is taken back. */
function savedInPart({ made, step, rest }: Pending): string {
  if (!made) return ''
  const list = (steps: Pending['rest']) => steps.map(request).join(', ')
  return ` ${t('Saved: {made}. Not saved, and kept in the form: {left}.', { made: list(made), left: list([step, ...rest]) })}`
}

/** Tells where the work is that a person turned away from. */
export function announceKept(text: string, path: string): void {
  add({ kind: 'kept', title: t('Nothing is lost'), text, path })
}

function toast(kind: Toast['kind'], title: string, text: string, invoice: string): void {
  add({ kind, title, text, path: invoicePath(invoice) })
}

function add(toast: Omit<Toast, 'key'>): void {
  const key = toastKey++
  toasts.update((all) => [...all, { ...toast, key }])
  if (toast.kind !== 'failed') setTimeout(() => dismiss(key), 6_000)
}

export function dismiss(key: number): void {
  toasts.update((all) => all.filter((t) => t.key !== key))
}

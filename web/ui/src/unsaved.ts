import type { Known } from './cache'
import type { Outcome } from './commands'
import { type Draft, creation, isBlank, isDirty, revision } from './edit'
import type { Invoice } from './model'
import type { Step } from './pending'
import { type Work, Works, workKey } from './work'

// What becomes of unsaved work when the change that it was submitted as has ended.

/** The work of the form that edits a draft: what it says, and the invoice that it began with. */
export interface EditWork {
  draft: Draft
  base: Invoice
}

export interface PaymentWork {
  amount: string
  date: string
  reference: string
}

export const works = new Works(localShelf())

/** localStorage, or nothing where the browser forbids it. */
function localShelf(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  try {
    localStorage.getItem('')
    return localStorage
  } catch {
    const forbidden = () => {
      throw new Error('this browser keeps nothing')
    }
    return { getItem: () => null, setItem: forbidden, removeItem: forbidden }
  }
}

export function findEdit(invoice: string): Work<EditWork> | undefined {
  const work = works.find<EditWork>(workKey.edited(invoice))
  return work && (work.batch !== undefined || isDirty(work.typed.base, work.typed.draft)) ? work : undefined
}

export function findNew(): Work<Draft> | undefined {
  const work = works.find<Draft>(workKey.begun)
  return work && isBegun(work.typed) ? work : undefined
}

function isBegun({ customer: { name, email, address }, lines }: Draft): boolean {
  return [name, email, address].some((text) => text.trim() !== '') || lines.some((l) => !isBlank(l))
}

/** Drops the work that an accepted change has saved; of any other it keeps what is not saved. */
export function settleWork(outcome: Outcome, known: Known | undefined): void {
  const { invoice, batch } = outcome.change
  for (const key of [workKey.created(invoice), workKey.edited(invoice), workKey.paid(invoice)]) {
    const work = works.find<object>(key)
    if (work?.batch !== batch) continue
    if (outcome.kind === 'accepted') settleAccepted(outcome, key, work)
    else settleFailed(outcome, key, work, known)
  }
}

/** What was typed after it was submitted is work of its own, on top of what was saved. */
function settleAccepted({ change: { invoice, step }, version, state }: Outcome, key: string, work: Work<object>): void {
  works.drop(key)
  const [draft, now] = submission(key, work)
  // Told from the command, not from the state: the server may write a text in another way than it was typed.
  if (!draft || state?.status !== 'draft' || JSON.stringify(now?.payload) === JSON.stringify(step.payload)) return
  works.keep<EditWork>(workKey.edited(invoice), { typed: { draft, base: state }, version })
}

/** The draft of a form, and the command that it would be saved by as it stands. */
function submission(key: string, { typed }: Work<object>): [Draft | undefined, Step | undefined] {
  if (key.startsWith(workKey.created(''))) return [typed as Draft, creation(typed as Draft)]
  if (!('base' in typed)) return [undefined, undefined]
  const { base, draft } = typed as EditWork
  return [draft, revision(base, draft)]
}

/** Commands that had been accepted are not undone: from then on the work is on top of them. */
function settleFailed({ change: { invoice, made, expected } }: Outcome, key: string, work: Work<object>, known: Known | undefined): void {
  const progressed = made && known && known.version === expected && 'base' in work.typed
  const { typed, version } = progressed ? { typed: { ...work.typed, base: known.state }, version: known.version } : work
  works.keep(key, { typed, version })
  if (key === workKey.created(invoice)) works.move(key, workKey.begun)
}

import { type Answer, type Outgoing, type ProblemBody, type Result, isTransient } from './api'
import { backoff } from './backoff'
import { uuidv7 } from './ids'
import type { Invoice } from './model'
import { type Pending, type PendingAction, type Step, load, outgoing, reduce, save } from './pending'
import { Store } from './store'

/** What a person wants done with an invoice; about says in words which one it is. */
export interface Change {
  invoice: string
  about: string
  expected?: number
  seen?: Invoice
  steps: [Step, ...Step[]]
}

/** What became of a change. */
export interface Outcome {
  kind: 'accepted' | 'conflict' | 'rejected'
  change: Pending // as it stood when it ended: step is the last command sent, made what had been accepted before it
  version: number
  code: string
  message: string
  pointer?: string // to the member of the payload that it is about (RFC 6901)
  state?: Invoice
}

export interface CommandsOptions {
  storage: Pick<Storage, 'getItem' | 'setItem'>
  send: (command: Outgoing) => boolean // by websocket; false when it is not open
  post: (command: Outgoing) => Promise<Answer>
  lookUp: (id: string, invoice: string) => Promise<Result | undefined>
  onResult: (result: Result) => void // every result, before the outcome that it leads to
  onOutcome: (outcome: Outcome) => void
  newId?: () => string
  now?: () => number
  random?: () => number
}

const ackLimit = 10_000
const lookUpEvery = 5_000
// The server knows a repeat by its id for 24 h. Past half of that a command is looked up, but never sent again.
const resendLimit = 12 * 3_600_000

function pointed({ pointer }: { pointer?: string }): { pointer?: string } {
  return pointer === undefined ? {} : { pointer }
}

/**
 * Carries each change to its result, over lost connections, lost answers, reloads and restarts of the server. The same
 * command may be sent several times: its id makes that safe.
 */
export class Commands {
  readonly pending: Store<readonly Pending[]>
  readonly #o: CommandsOptions
  readonly #newId: () => string
  readonly #now: () => number
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()
  readonly #attempts = new Map<string, number>()
  readonly #posting = new Set<string>()
  readonly #waiting = new Map<string, (outcome: Outcome) => void>()

  constructor(options: CommandsOptions) {
    this.#o = options
    this.#newId = options.newId ?? uuidv7
    this.#now = options.now ?? Date.now
    this.pending = new Store(load(options.storage))
  }

  /** Goes on with what an earlier load of the page left. */
  start(): void {
    for (const p of this.pending.get()) this.#schedule(p.id, 2_000) // a welcome will most likely come first
  }

  /** Submits a change of one command or several. It has ended with its outcome, if the page lives that long. */
  submit(change: Change): { batch: string; ended: Promise<Outcome> } {
    const { steps, ...rest } = change
    const [step, ...others] = steps
    const id = this.#newId()
    const since = this.#now()
    const pending: Pending = { ...rest, id, batch: id, step, rest: others, since, phase: 'sending' }
    this.#apply({ type: 'submitted', pending })
    const ended = new Promise<Outcome>((resolve) => this.#waiting.set(id, resolve))
    this.#drive(id)
    return { batch: id, ended }
  }

  /** The websocket is there: what it may not have carried goes again. */
  welcomed(resumed: boolean): void {
    for (const p of this.pending.get()) {
      // A resumed connection replays the results that were missed, so only what Kafka may not have is sent.
      if (p.phase === 'sending' || !resumed) this.#drive(p.id)
    }
  }

  stored(id: string): void {
    if (!this.#find(id)) return
    this.#apply({ type: 'stored', id })
    this.#schedule(id, lookUpEvery)
  }

  refused(id: string, problem: ProblemBody): void {
    const p = this.#find(id)
    if (!p) return
    if (isTransient(problem)) return this.#later(id, problem.code ?? 'offline', problem.retryAfter ?? 0)
    const message = problem.detail ?? problem.title ?? 'The server did not take the change.'
    this.#settle(p, { kind: 'rejected', version: 0, code: problem.code ?? '', message, ...pointed(problem) })
  }

  received(result: Result): void {
    this.#o.onResult(result)
    const p = this.#find(result.id)
    if (p?.invoice !== result.invoice) return // a repeat, another tab's, or another invoice's of the same id
    if (result.outcome === 'accepted') return this.#accepted(p, result)
    const version = result.currentVersion ?? result.version ?? 0
    const code = result.code ?? ''
    const kind = code === 'version_conflict' ? 'conflict' : 'rejected'
    this.#settle(p, { kind, version, code, message: result.message ?? 'The change could not be handled.', ...pointed(result) })
  }

  #accepted(p: Pending, result: Result): void {
    const version = result.version ?? 0
    if (p.rest.length === 0) {
      const state = result.state && { state: result.state }
      return this.#settle(p, { kind: 'accepted', version, code: '', message: '', ...state })
    }
    this.#forget(p.id)
    const next = this.#newId()
    this.#apply({ type: 'advanced', id: p.id, next, expected: version, at: this.#now() })
    this.#drive(next)
  }

  #settle(change: Pending, outcome: Omit<Outcome, 'change'>): void {
    this.#forget(change.id)
    this.#apply({ type: 'settled', id: change.id })
    const ended = { ...outcome, change }
    this.#o.onOutcome(ended)
    this.#waiting.get(change.batch)?.(ended)
    this.#waiting.delete(change.batch)
  }

  #drive(id: string): void {
    const p = this.#find(id)
    if (!p) return
    if (this.#now() - p.since > resendLimit) return void this.#check(p)
    if (this.#o.send(outgoing(p))) return this.#schedule(id, ackLimit)
    void this.#post(p)
  }

  async #post(p: Pending): Promise<void> {
    if (this.#posting.has(p.id)) return
    this.#posting.add(p.id)
    const answer = await this.#o.post(outgoing(p)).finally(() => this.#posting.delete(p.id))
    switch (answer.kind) {
      case 'result':
        return this.received(answer.result)
      case 'stored':
        return this.stored(p.id)
      case 'refused':
        return this.refused(p.id, answer.problem)
      case 'unavailable':
        return this.#later(p.id, answer.code, answer.retryAfter)
    }
  }

  /** A stored command needs no repeat: its result comes by websocket, or is found here. */
  async #check(p: Pending): Promise<void> {
    const result = await this.#o.lookUp(p.id, p.invoice).catch(() => 'unreachable' as const)
    if (!this.#find(p.id)) return
    if (result === 'unreachable' || (!result && this.#now() - p.since <= resendLimit)) {
      return this.#schedule(p.id, lookUpEvery)
    }
    if (result) return this.received(result)
    const message = 'The answer to this change was lost. Please look at the invoice: it may have been saved or not.'
    this.#settle(p, { kind: 'rejected', version: 0, code: 'unknown', message })
  }

  #later(id: string, trouble: string, retryAfter: number): void {
    if (!this.#find(id)) return
    this.#apply({ type: 'troubled', id, trouble })
    const attempt = this.#attempts.get(id) ?? 0
    this.#attempts.set(id, attempt + 1)
    this.#schedule(id, Math.max(retryAfter * 1_000, 250) + backoff(attempt, this.#o.random))
  }

  #schedule(id: string, delay: number): void {
    clearTimeout(this.#timers.get(id))
    const again = () => {
      const p = this.#find(id)
      if (p?.phase === 'stored') void this.#check(p)
      else this.#drive(id)
    }
    this.#timers.set(id, setTimeout(again, delay))
  }

  #forget(id: string): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    this.#attempts.delete(id)
  }

  #find(id: string): Pending | undefined {
    return this.pending.get().find((p) => p.id === id)
  }

  #apply(action: PendingAction): void {
    const all = reduce(this.pending.get(), action)
    save(this.#o.storage, all) // before anything is sent: what the server may have, the next load of the page knows
    this.pending.set(all)
  }
}

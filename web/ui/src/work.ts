import { locale } from './language/language'
import { rewritten } from './rewriting'
import { Store } from './store'

/** What a person has typed and not saved. It outlives leaving the page, a reload and the browser. */
export interface Work<T> {
  typed: T
  version: number // of the invoice that it is about; 0 for a new one
  at: number // ms since 1970
  locale: string // its numbers are written in
  batch?: string // the change by which it is being saved
}

const prefix = 'eventim.work.'
const lifetime = 30 * 24 * 3_600_000
const ownLocale = new Intl.NumberFormat(locale).resolvedOptions().locale

/** Names the unsaved work of one form. */
export const workKey = {
  begun: 'new',
  created: (invoice: string) => `new.${invoice}`, // while it is being created: meanwhile another one may be begun
  edited: (invoice: string) => `edit.${invoice}`,
  paid: (invoice: string) => `pay.${invoice}`,
}

type Shelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/**
 * Keeps unsaved work in the storage of the browser, for thirty days. A form saves what was typed as it is typed, and
 * finds it again by key. It is dropped when the change it became was accepted, or when the person throws it away.
 */
export class Works {
  readonly replaced = new Store(0) // counts what was changed from outside of the form, which has to look again
  readonly #shelf: Shelf
  readonly #now: () => number

  constructor(shelf: Shelf, now: () => number = Date.now) {
    this.#shelf = shelf
    this.#now = now
  }

  /** Keeps it; false when the browser does not, and leaving the page would lose it. */
  keep<T extends object>(key: string, work: Pick<Work<T>, 'typed' | 'version'> & { batch?: string | undefined }): boolean {
    try {
      this.#shelf.setItem(prefix + key, JSON.stringify({ ...work, at: this.#now(), locale: ownLocale }))
      return true
    } catch {
      return false
    }
  }

  find<T extends object>(key: string): Work<T> | undefined {
    try {
      const work = JSON.parse(this.#shelf.getItem(prefix + key) ?? 'null') as Work<T> | null
      if (!work || this.#now() - work.at > lifetime) return undefined
      if (work.locale === ownLocale) return work
      return { ...work, typed: rewritten(work.typed, work.locale, ownLocale), locale: ownLocale }
    } catch {
      return undefined
    }
  }

  drop(key: string): void {
    try {
      this.#shelf.removeItem(prefix + key)
    } catch {
      // Storage is forbidden: there was nothing.
    }
  }

  /** Keeps it under another key, unless something is there already. */
  move(from: string, to: string): void {
    const work = this.find<object>(from)
    if (!work || this.find(to)) return
    this.keep(to, work)
    this.drop(from)
  }

  /** Changes what a form has kept, which the form then shows. */
  replace<T extends object>(key: string, change: ((work: Work<T>) => Work<T>) | undefined): void {
    const work = this.find<T>(key)
    if (!work) return
    if (change) this.keep(key, change(work))
    else this.drop(key)
    this.replaced.update((n) => n + 1)
  }
}

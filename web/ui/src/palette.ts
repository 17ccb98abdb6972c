import { statuses } from './components/filters'
import { type Language, chooseLanguage, language, languages } from './language/language'
import { t } from './language/text'
import { type Row, can, reference } from './model'
import { formatMoney } from './money'
import { askPath, invoicePath, listPath, newPath } from './paths'

/** One thing to choose: what it is called, and what comes of it. */
export interface Entry {
  key: string
  text: string
  note: string
  run: () => void
}

type Go = (path: string) => void

/** What the page offers by a key: the same buttons and links, by their own words. */
export function actionsOf(page: ParentNode): Entry[] {
  const offered = [...page.querySelectorAll<HTMLElement>('main :is(a, button)[data-key]:not(:disabled)')]
  return offered.map((element) => ({
    key: `action.${element.dataset.key}`,
    text: element.textContent.trim(),
    note: t('On this page'),
    run: () => element.click(),
  }))
}

export function goals(go: Go): Entry[] {
  const to = (text: string, path: string): Entry => ({ key: `go.${path}`, text, note: t('Go to'), run: () => go(path) })
  const filters = statuses.filter(([status]) => status !== '')
  return [
    to(t('New invoice'), newPath),
    to(t('All invoices'), listPath()),
    ...filters.map(([status, name]) => to(t('Invoices: {status}', { status: name }), listPath({ status }))),
  ]
}

export function settings(onKeys: () => void): Entry[] {
  const others = (Object.keys(languages) as Language[]).filter((l) => l !== language)
  return [
    { key: 'keys', text: t('Keyboard shortcuts'), note: t('Settings'), run: onKeys },
    ...others.map((l) => ({ key: `language.${l}`, text: t('Language: {name}', { name: languages[l] }), note: t('Settings'), run: () => chooseLanguage(l) })),
  ]
}

/** The invoices that the server found, each followed by its payment where one can be taken. */
export function found(rows: Row[], go: Go): Entry[] {
  return rows.flatMap((row) => {
    const open = { key: row.id, text: row.customerName, note: `${reference(row.id)} · ${formatMoney(row.balance)}`, run: () => go(invoicePath(row.id)) }
    if (!can.take(row)) return [open]
    const text = t('Record a payment of {name}: {amount}', { name: row.customerName, amount: formatMoney(row.balance) })
    return [open, { key: `pay.${row.id}`, text, note: reference(row.id), run: () => go(askPath(row.id, 'pay')) }]
  })
}

const folded = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

/** Those that have every word that was typed, in any order. */
export function matching(typed: string, entries: Entry[]): Entry[] {
  const words = folded(typed).split(/\s+/).filter(Boolean)
  return entries.filter(({ text }) => words.every((word) => folded(text).includes(word)))
}

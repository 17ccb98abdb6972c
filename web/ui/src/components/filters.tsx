import { useEffect, useEffectEvent, useState } from 'react'
import { Link } from 'wouter'
import type { ListFilter } from '../api'
import { listed } from '../filter'
import type { CurrencyTotal } from '../model'
import { isZero } from '../money'
import { Amount } from './amount'
import { SearchIcon } from './icons'
import { locale } from '../language/language'
import { rich, t } from '../language/text'

const names: Record<(typeof listed)[number], string> = {
  '': t('All'),
  draft: t('Draft'),
  sent: t('Sent'),
  partially_paid: t('Partially paid'),
  overdue: t('Overdue'),
  paid: t('Paid'),
  written_off: t('Written off'),
  void: t('Void'),
}

export const statuses = listed.map((status) => [status, names[status]] as const)

interface TabsProps {
  current: ListFilter['status']
  link: (status: ListFilter['status']) => string
}

export function Tabs({ current, link }: TabsProps) {
  return (
    <nav className="tabs" aria-label={t('Filter by status')}>
      {statuses.map(([status, label]) => (
        <Link key={status} href={link(status)} aria-current={status === current ? 'page' : undefined}>
          {label}
        </Link>
      ))}
    </nav>
  )
}

export function count(n: number): string {
  return n === 1 ? t('1 invoice') : t('{n} invoices', { n: n.toLocaleString(locale) })
}

/** The sums of everything that the filter finds, not only of the rows on the screen; never across currencies. */
export function Totals({ totals }: { totals: CurrencyTotal[] }) {
  if (totals.length === 0) return null
  return (
    <section className="totals" aria-label={t('Totals by currency')}>
      {totals.map((sum) => (
        <Total key={sum.currency} sum={sum} />
      ))}
    </section>
  )
}

function Total({ sum }: { sum: CurrencyTotal }) {
  const { currency, outstanding, balance, total, draft } = sum
  const values = { total: <Amount of={total} />, invoices: count(sum.count) }
  return (
    <div className="card total num">
      <p className="caption">{t('Outstanding in {currency}', { currency })}</p>
      <p className="amount"><Amount of={outstanding ?? balance} /></p>
      <p className="caption">
        {draft && !isZero(draft.amount)
          ? rich('of {total} in {invoices}, {draft} of it in drafts', { ...values, draft: <Amount of={draft} /> })
          : rich('of {total} in {invoices}', values)}
      </p>
    </div>
  )
}

export function Search({ q, onSearch }: { q: string; onSearch: (q: string) => void }) {
  const [typed, setTyped] = useState<string>()
  const search = useEffectEvent(() => {
    onSearch((typed ?? '').trim())
    setTyped(undefined)
  })
  useEffect(() => {
    if (typed === undefined) return
    const timer = setTimeout(search, 250)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <div className="search">
      <SearchIcon />
      <input
        className="input"
        type="search"
        maxLength={200}
        aria-label={t('Search invoices')}
        placeholder={t('Search')}
        data-key="/"
        value={typed ?? q}
        onChange={(e) => setTyped(e.target.value)}
      />
    </div>
  )
}

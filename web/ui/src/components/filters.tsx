import { useEffect, useEffectEvent, useState } from 'react'
import { Link } from 'wouter'
import type { ListFilter } from '../api'
import type { CurrencyTotal } from '../model'
import { isZero } from '../money'
import { Amount } from './amount'
import { SearchIcon } from './icons'

export const statuses: [ListFilter['status'], string][] = [
  ['', 'All'],
  ['draft', 'Draft'],
  ['sent', 'Sent'],
  ['partially_paid', 'Partially paid'],
  ['overdue', 'Overdue'],
  ['paid', 'Paid'],
  ['written_off', 'Written off'],
  ['void', 'Void'],
]

interface TabsProps {
  current: ListFilter['status']
  link: (status: ListFilter['status']) => string
}

export function Tabs({ current, link }: TabsProps) {
  return (
    <nav className="tabs" aria-label="Filter by status">
      {statuses.map(([status, label]) => (
        <Link key={status} href={link(status)} aria-current={status === current ? 'page' : undefined}>
          {label}
        </Link>
      ))}
    </nav>
  )
}

export function count(n: number): string {
  return n === 1 ? '1 invoice' : `${n.toLocaleString()} invoices`
}

/** The sums of everything that the filter finds, not only of the rows on the screen; never across currencies. */
export function Totals({ totals }: { totals: CurrencyTotal[] }) {
  if (totals.length === 0) return null
  return (
    <section className="totals" aria-label="Totals by currency">
      {totals.map((t) => (
        <div className="card total num" key={t.currency}>
          <p className="caption">Outstanding in {t.currency}</p>
          <p className="amount"><Amount of={t.outstanding ?? t.balance} /></p>
          <p className="caption">
            of <Amount of={t.total} /> in {count(t.count)}
            {t.draft && !isZero(t.draft.amount) && (
              <>
                , <Amount of={t.draft} /> of it in drafts
              </>
            )}
          </p>
        </div>
      ))}
    </section>
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
        aria-label="Search invoices"
        placeholder="Search"
        data-key="/"
        value={typed ?? q}
        onChange={(e) => setTyped(e.target.value)}
      />
    </div>
  )
}

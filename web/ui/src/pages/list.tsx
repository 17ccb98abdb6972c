import { type KeyboardEvent, useEffect, useEffectEvent, useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import type { ListFilter } from '../api'
import { commands } from '../app'
import { SearchIcon } from '../components/icons'
import { Blank, Heading } from '../components/page'
import { GhostRow, ListRow } from '../components/row'
import type { CurrencyTotal, Row } from '../model'
import { formatMoney } from '../money'
import { useInvoices } from '../queries'
import { useStore } from '../store'

const filters: [ListFilter['status'], string][] = [
  ['', 'All'],
  ['draft', 'Draft'],
  ['sent', 'Sent'],
  ['partially_paid', 'Partially paid'],
  ['overdue', 'Overdue'],
  ['paid', 'Paid'],
]

/** The filter lives in the URL: a reload, the back button and a shared link keep it. */
function useFilter(): [ListFilter, (change: Partial<ListFilter>) => string, (q: string) => void] {
  const [params, setParams] = useSearchParams()
  const status = filters.find(([s]) => s === params.get('status'))?.[0] ?? ''
  const filter = { status, q: params.get('q') ?? '' }
  const link = (change: Partial<ListFilter>) => {
    const entries = Object.entries({ ...filter, ...change }).filter(([, value]) => value !== '')
    return entries.length === 0 ? '/' : `/?${new URLSearchParams(entries)}`
  }
  const search = (q: string) => setParams(link({ q }).slice(2), { replace: true })
  return [filter, link, search]
}

export function ListPage() {
  const [filter, link, search] = useFilter()
  const { data, error, isPlaceholderData, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } = useInvoices(filter)
  const first = data?.pages[0]
  const rows = data?.pages.flatMap((page) => page.invoices).filter((row) => row.status !== 'deleted') ?? []
  return (
    <>
      <Heading title="Invoices">
        {first && <span className="muted num">{count(first.count)}</span>}
      </Heading>
      <Totals totals={first?.totals ?? []} />
      <div className="filters">
        <nav className="tabs" aria-label="Filter by status">
          {filters.map(([status, label]) => (
            <Link key={status} href={link({ status })} aria-current={status === filter.status ? 'page' : undefined}>
              {label}
            </Link>
          ))}
        </nav>
        <Search q={filter.q} onSearch={search} />
      </div>
      {!data && error && (
        <Blank title="The list can’t be read at the moment">
          <p>It appears by itself as soon as the database is back.</p>
          <button type="button" className="button" onClick={() => void refetch()}>
            Try again
          </button>
        </Blank>
      )}
      {(data ?? !error) && (
        <Table rows={rows} loading={!data} stale={isPlaceholderData} filtered={filter.q !== '' || filter.status !== ''} />
      )}
      {rows.length > 0 && (
        <div className="more">
          <span className="num">
            {rows.length} of {count(first?.count ?? rows.length)}
          </span>
          {hasNextPage && (
            <button type="button" className="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {isFetchingNextPage ? 'Loading…' : 'Load more'}
            </button>
          )}
        </div>
      )}
    </>
  )
}

function count(n: number): string {
  return n === 1 ? '1 invoice' : `${n.toLocaleString()} invoices`
}

/** The sums of everything that the filter finds, not only of the rows on the screen; never across currencies. */
function Totals({ totals }: { totals: CurrencyTotal[] }) {
  if (totals.length === 0) return null
  return (
    <section className="totals" aria-label="Totals by currency">
      {totals.map((t) => (
        <div className="card total num" key={t.currency}>
          <p className="caption">Outstanding in {t.currency}</p>
          <p className="amount">{formatMoney(t.balance)}</p>
          <p className="caption">
            of {formatMoney(t.total)} in {count(t.count)}
          </p>
        </div>
      ))}
    </section>
  )
}

function Search({ q, onSearch }: { q: string; onSearch: (q: string) => void }) {
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

interface TableProps {
  rows: Row[]
  loading: boolean
  stale: boolean
  filtered: boolean
}

function Table({ rows, loading, stale, filtered }: TableProps) {
  const creating = useStore(commands.pending).filter((p) => p.step.command === 'CreateInvoice')
  if (!loading && rows.length === 0 && creating.length === 0) return <Nothing filtered={filtered} />
  return (
    <div className="card">
      <table className="list" aria-busy={loading || stale}>
        <caption className="hidden">Invoices, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Customer</th>
            <th scope="col">Status</th>
            <th scope="col">Issued</th>
            <th scope="col">Due</th>
            <th scope="col" className="right">
              Total
            </th>
            <th scope="col" className="right">
              Balance
            </th>
          </tr>
        </thead>
        <tbody onKeyDown={moveFocus}>
          {creating.map((p) => (
            <GhostRow key={p.id} pending={p} />
          ))}
          {loading ? <Skeleton /> : rows.map((row) => <ListRow key={row.id} row={row} />)}
        </tbody>
      </table>
    </div>
  )
}

function Nothing({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <Blank title="No invoice matches">
      <p>Nothing is found with this filter.</p>
      <Link className="button" href="/">
        Show all invoices
      </Link>
    </Blank>
  ) : (
    <Blank title="No invoices yet">
      <p>Write the first one. It stays a draft until you send it.</p>
      <Link className="button primary" href="/new">
        New invoice
      </Link>
    </Blank>
  )
}

function Skeleton() {
  return Array.from({ length: 6 }, (_, i) => (
    <tr key={i}>
      <td colSpan={6}>
        <div className="skeleton" />
      </td>
    </tr>
  ))
}

/** Arrow keys go from row to row. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step) return
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('.who a')]
  const next = links[links.indexOf(document.activeElement as HTMLElement) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}

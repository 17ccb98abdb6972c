import type { KeyboardEvent } from 'react'
import { Link } from 'wouter'
import { commands } from '../app'
import type { Row } from '../model'
import { useStore } from '../store'
import { Blank } from './page'
import { GhostRow, ListRow } from './row'
import { Column, type Sort } from './sorting'
import { t } from '../language/text'

interface TableProps {
  rows: Row[]
  loading: boolean
  stale: boolean
  filtered: boolean
  sort: Sort
  link: (sort: Sort) => string
}

export function Table({ rows, loading, stale, filtered, sort, link }: TableProps) {
  const creating = useStore(commands.pending).filter((p) => p.step.command === 'CreateInvoice')
  if (!loading && rows.length === 0 && creating.length === 0) return <Nothing filtered={filtered} />
  return (
    <div className="card">
      <table className="list" aria-busy={loading || stale}>
        <caption className="hidden">{sort === '' ? t('Invoices, the last changed first') : t('Invoices, sorted')}</caption>
        <thead>
          <tr>
            <Column of="customer" sort={sort} link={link} />
            <Column of="status" sort={sort} link={link} />
            <Column of="issued" sort={sort} link={link} />
            <Column of="due" sort={sort} link={link} />
            <Column of="total" sort={sort} link={link} right />
            <Column of="balance" sort={sort} link={link} right />
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
    <Blank title={t('No invoice matches')}>
      <p>{t('Nothing is found with this filter.')}</p>
      <Link className="button" href="/">
        {t('Show all invoices')}
      </Link>
    </Blank>
  ) : (
    <Blank title={t('No invoices yet')}>
      <p>{t('Write the first one. It stays a draft until you mark it as sent.')}</p>
      <Link className="button primary" href="/new">
        {t('New invoice')}
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

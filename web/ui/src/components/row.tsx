import { memo, useEffect, useRef } from 'react'
import { Link } from 'wouter'
import { cache } from '../app'
import { daysBetween, formatDay, utcToday } from '../dates'
import { type Row, reference } from '../model'
import { invoicePath } from '../paths'
import type { Pending } from '../pending'
import { Amount } from './amount'
import { StatusBadge } from './status'
import { Waiting } from './waiting'
import { t } from '../language/text'

const news = 3_000

/** Lights up a row that has just changed, or that appeared because of a change. */
function useFlash(id: string, version: number) {
  const ref = useRef<HTMLTableRowElement>(null)
  useEffect(() => {
    const known = cache.known(id)
    if (known?.version !== version || Date.now() - Date.parse(known.at) > news) return
    ref.current?.animate([{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }], 1_600)
  }, [id, version])
  return ref
}

export const ListRow = memo(function ListRow({ row }: { row: Row }) {
  const ref = useFlash(row.id, row.version)
  const late = row.overdue ? daysBetween(row.dueDate, utcToday()) : 0
  return (
    <tr ref={ref}>
      <td className="who">
        <Link href={invoicePath(row.id)}>{row.customerName}</Link> <span className="mono">{reference(row.id, row.number)}</span>
      </td>
      <td className="status">
        <StatusBadge status={row.status} overdue={row.overdue} />
      </td>
      <td className="day num wide-only">{formatDay(row.issueDate)}</td>
      <td className="day due num">
        {formatDay(row.dueDate)}
        {late > 0 && <span className="late"> · {late === 1 ? t('1 day late') : t('{n} days late', { n: late })}</span>}
      </td>
      <td className="right num wide-only"><Amount of={row.total} /></td>
      <td className="right num balance"><Amount of={row.balance} /></td>
    </tr>
  )
})

/** An invoice that is being created. */
export function GhostRow({ pending }: { pending: Pending }) {
  return (
    <tr className="ghost">
      <td className="who">
        <Link href={invoicePath(pending.invoice)}>{pending.about}</Link>
      </td>
      <td colSpan={5}>
        <Waiting pending={pending} short />
      </td>
    </tr>
  )
}

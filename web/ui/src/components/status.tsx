import { type Invoice, type Status, isOverdue } from '../model'
import { utcToday } from '../dates'
import { t } from '../language/text'

export const statusNames: Record<Status | 'overdue', string> = {
  draft: t('Draft'),
  sent: t('Sent'),
  partially_paid: t('Partially paid'),
  paid: t('Paid'),
  void: t('Void'),
  written_off: t('Written off'),
  deleted: t('Deleted'),
  overdue: t('Overdue'),
}

export function StatusBadge({ status, overdue }: { status: Status; overdue: boolean }) {
  const shown = overdue ? 'overdue' : status
  return (
    <span className="badge" data-status={shown}>
      {statusNames[shown]}
    </span>
  )
}

export function InvoiceBadge({ invoice }: { invoice: Invoice }) {
  return <StatusBadge status={invoice.status} overdue={isOverdue(invoice, utcToday())} />
}

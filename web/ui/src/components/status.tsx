import { type Invoice, type Status, isOverdue } from '../model'
import { utcToday } from '../dates'

const names: Record<Status | 'overdue', string> = {
  draft: 'Draft',
  sent: 'Sent',
  partially_paid: 'Partially paid',
  paid: 'Paid',
  void: 'Void',
  written_off: 'Written off',
  deleted: 'Deleted',
  overdue: 'Overdue',
}

export function StatusBadge({ status, overdue }: { status: Status; overdue: boolean }) {
  const shown = overdue ? 'overdue' : status
  return (
    <span className="badge" data-status={shown}>
      {names[shown]}
    </span>
  )
}

export function InvoiceBadge({ invoice }: { invoice: Invoice }) {
  return <StatusBadge status={invoice.status} overdue={isOverdue(invoice, utcToday())} />
}

import { Link } from 'wouter'
import { Problem } from '../api'
import { formatTime } from '../dates'
import { type Detail, reference } from '../model'
import { invoicePath } from '../paths'
import type { Pending } from '../pending'
import { Back, Blank, Heading } from './page'
import { InvoiceBadge } from './status'
import { Waiting } from './waiting'

interface Props {
  detail: Detail
  pending: Pending | undefined
  tab: 'invoice' | 'history'
}

export function InvoiceHeading({ detail: { id, version, updatedAt, invoice }, pending, tab }: Props) {
  return (
    <>
      <Back to="/">Invoices</Back>
      <Heading
        title={tab === 'invoice' ? invoice.customer.name : `History of ${invoice.customer.name}`}
        tab={`${tab === 'invoice' ? 'Invoice' : 'History'} ${reference(id)} · ${invoice.customer.name}`}
      >
        <InvoiceBadge invoice={invoice} />
        {pending && tab === 'history' && <Waiting pending={pending} short />}
        <p className="meta num">
          <span>Invoice {reference(id)}</span>
          <span>Version {version}</span>
          <span>Changed {formatTime(updatedAt)}</span>
        </p>
      </Heading>
      <div className="views">
      <nav className="tabs" aria-label="Views of the invoice">
        <Link href={invoicePath(id)} aria-current={tab === 'invoice' ? 'page' : undefined}>
          Invoice
        </Link>
        <Link href={invoicePath(id, 'history')} data-key="h" aria-current={tab === 'history' ? 'page' : undefined}>
          History
        </Link>
      </nav>
      <button type="button" className="button quiet wide-only" onClick={() => window.print()}>
        Print
      </button>
      </div>
    </>
  )
}

/** Instead of an invoice that cannot be shown: on its way, not there, or not readable. */
export function Absent({ error, pending }: { error: Error | null; pending: Pending | undefined }) {
  if (pending?.step.command === 'CreateInvoice') {
    return (
      <>
        <Back to="/">Invoices</Back>
        <Heading title={pending.about} />
        <Blank title="This invoice is being created">
          <Waiting pending={pending} />
        </Blank>
      </>
    )
  }
  const missing = error instanceof Problem && error.body.status === 404
  const title = missing ? 'There is no such invoice' : error ? 'The invoice can’t be read at the moment' : 'Loading…'
  return (
    <>
      <Back to="/">Invoices</Back>
      <Heading title={missing ? 'Not found' : 'Invoice'} />
      <Blank title={title}>
        {missing && <p>It may have been created a moment ago: then it appears here by itself.</p>}
        {error && !missing && <p>It is tried again every few seconds. {error.message}</p>}
      </Blank>
    </>
  )
}

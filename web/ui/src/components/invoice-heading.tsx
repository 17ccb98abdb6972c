import { Link } from 'wouter'
import { Problem } from '../api'
import { formatTime } from '../dates'
import { type Detail, reference } from '../model'
import { invoicePath } from '../paths'
import type { Pending } from '../pending'
import { Back, Blank, Heading, Loading } from './page'
import { InvoiceBadge } from './status'
import { Waiting } from './waiting'
import { t } from '../language/text'

interface Props {
  detail: Detail
  pending: Pending | undefined
  tab: 'invoice' | 'history'
}

export function InvoiceHeading({ detail: { id, version, updatedAt, invoice }, pending, tab }: Props) {
  return (
    <>
      <Back to="/">{t('Invoices')}</Back>
      <Heading
        title={tab === 'invoice' ? invoice.customer.name : t('History of {name}', { name: invoice.customer.name })}
        tab={`${tab === 'invoice' ? t('Invoice') : t('History')} ${reference(id, invoice.number)} · ${invoice.customer.name}`}
      >
        <InvoiceBadge invoice={invoice} />
        {pending && tab === 'history' && <Waiting pending={pending} short />}
        <p className="meta num">
          <span>{t('Invoice')} {reference(id, invoice.number)}</span>
          <span>{t('Version {n}', { n: version })}</span>
          <span>{t('Changed {time}', { time: formatTime(updatedAt) })}</span>
        </p>
      </Heading>
      <div className="views">
      <nav className="tabs" aria-label={t('Views of the invoice')}>
        <Link href={invoicePath(id)} aria-current={tab === 'invoice' ? 'page' : undefined}>
          {t('Invoice')}
        </Link>
        <Link href={invoicePath(id, 'history')} data-key="h" aria-current={tab === 'history' ? 'page' : undefined}>
          {t('History')}
        </Link>
      </nav>
      <button type="button" className="button quiet wide-only" onClick={() => window.print()}>
        {t('Print')}
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
        <Back to="/">{t('Invoices')}</Back>
        <Heading title={pending.about} />
        <Blank title={t('This invoice is being created')}>
          <Waiting pending={pending} />
        </Blank>
      </>
    )
  }
  const missing = error instanceof Problem && error.body.status === 404
  return (
    <>
      <Back to="/">{t('Invoices')}</Back>
      <Heading title={missing ? t('Not found') : t('Invoice')} />
      {missing ? (
        <Blank title={t('There is no such invoice')}>
          <p>{t('It may have been created a moment ago: then it appears here by itself.')}</p>
        </Blank>
      ) : error ? (
        <Blank title={t('The invoice can’t be read at the moment')}>
          <p>{t('It is tried again every few seconds.')} {error.message}</p>
        </Blank>
      ) : (
        <Loading />
      )}
    </>
  )
}

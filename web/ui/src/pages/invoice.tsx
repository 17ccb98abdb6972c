import { type ReactNode, useState } from 'react'
import { Link, useLocation, useSearchParams } from 'wouter'
import { commands } from '../app'
import { Amount } from '../components/amount'
import { ConfirmDialog } from '../components/confirm'
import { InvoiceDocument } from '../components/document'
import { Absent, InvoiceHeading } from '../components/invoice-heading'
import { PaymentDialog } from '../components/payment-dialog'
import { ReasonDialog } from '../components/reason-dialog'
import { Waiting } from '../components/waiting'
import { formatDay } from '../dates'
import { type Detail, type Invoice, can } from '../model'
import { isZero, percent } from '../money'
import { copyPath, invoicePath } from '../paths'
import type { Pending } from '../pending'
import { useInvoice } from '../queries'
import { useStore } from '../store'
import { findEdit } from '../unsaved'
import { rich, t } from '../language/text'

type Asking = 'pay' | 'send' | 'delete' | 'void' | 'write off'

export default function InvoicePage({ id }: { id: string }) {
  const { data, error } = useInvoice(id)
  const pending = useStore(commands.pending).find((p) => p.invoice === id)
  const [asking, setAsking] = useAsking(data?.invoice)
  if (!data) return <Absent error={error} pending={pending} />
  return (
    <>
      <InvoiceHeading detail={data} pending={pending} tab="invoice" />
      <div className="columns">
        <InvoiceDocument id={id} invoice={data.invoice} />
        <div className="side">
          <Owed detail={data} pending={pending} onAsk={setAsking} />
          <Payments invoice={data.invoice} />
        </div>
      </div>
      {asking && <Question asking={asking} detail={data} onClose={() => setAsking(undefined)} />}
    </>
  )
}

/** What is asked at the moment. A link may come with the form for a payment open; it is shut for good, and reloaded open. */
function useAsking(invoice: Invoice | undefined): [Asking | undefined, (next: Asking | undefined) => void] {
  const [params, setParams] = useSearchParams()
  const [asking, setAsking] = useState<Asking>()
  const linked = params.get('ask') === 'pay' && invoice && can.pay(invoice)
  if (linked && !asking) setAsking('pay') // which stays, also when the payment has left nothing to pay
  const set = (next: Asking | undefined) => {
    setAsking(next)
    if (params.has('ask')) setParams({}, { replace: true })
  }
  return [asking, set]
}

function Owed({ detail, pending, onAsk }: { detail: Detail; pending: Pending | undefined; onAsk: (a: Asking) => void }) {
  const { invoice } = detail
  const { status, total, paid, balance, writtenOff, reason } = invoice
  return (
    <section className="card owed" aria-label={t('Balance')}>
      <div className="num">
        <p className="caption">{status === 'draft' ? t('Draft total') : t('Balance due')}</p>
        <p className="amount"><Amount of={status === 'draft' ? total : balance} /></p>
        {!isZero(paid.amount) && (
          <>
            <meter className="meter" min={0} max={100} value={percent(paid, total)} aria-label={t('Share paid')} />
            <p className="caption">
              {rich('{paid} paid of {total}', { paid: <Amount of={paid} />, total: <Amount of={total} /> })}
            </p>
          </>
        )}
        {writtenOff && (
          <p className="caption">
            {rich('{amount} written off', { amount: <Amount of={writtenOff} /> })}
          </p>
        )}
        {reason && <p className="reason">{reason}</p>}
      </div>
      <Waiting pending={pending} short />
      <Actions detail={detail} busy={pending !== undefined} onAsk={onAsk} />
    </section>
  )
}

function Actions({ detail: { id, invoice }, busy, onAsk }: { detail: Detail; busy: boolean; onAsk: (a: Asking) => void }) {
  const button = (ask: Asking, key: string, look: string, text: ReactNode) => (
    <button type="button" className={`button ${look}`} data-key={key} disabled={busy} onClick={() => onAsk(ask)}>
      {text}
    </button>
  )
  return (
    <div className="actions">
      {can.pay(invoice) && button('pay', 'p', 'primary', t('Record payment'))}
      {can.send(invoice) && button('send', 's', 'primary', t('Mark as sent'))}
      {can.edit(invoice) && (
        <Link className="button" data-key="e" href={invoicePath(id, 'edit')}>
          {findEdit(id) ? t('Go on editing') : t('Edit draft')}
        </Link>
      )}
      <Link className="button quiet" data-key="c" href={copyPath(id)}>
        {t('Duplicate')}
      </Link>
      {can.writeOff(invoice) && button('write off', 'w', 'danger quiet', t('Write off'))}
      {can.void(invoice) && button('void', 'v', 'danger quiet', t('Void|do'))}
      {can.remove(invoice) && button('delete', 'd', 'danger quiet', t('Delete draft'))}
    </div>
  )
}

function Payments({ invoice }: { invoice: Invoice }) {
  if (invoice.payments.length === 0) return null
  return (
    <section className="card payments">
      <h2>{t('Payments')}</h2>
      <ul className="num">
        {invoice.payments.map((p) => (
          <li key={p.id}>
            <Amount of={p.amount} />
            <span className="muted small">{formatDay(p.date)}</span>
            <span className="muted small">{p.reference}</span>
            {p.reversed && (
              <span className="muted small">
                {rich('{amount} taken back', { amount: <Amount of={p.reversed} /> })}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Question({ asking, detail, onClose }: { asking: Asking; detail: Detail; onClose: () => void }) {
  const [, navigate] = useLocation()
  const { customer, total, balance } = detail.invoice
  if (asking === 'pay') return <PaymentDialog detail={detail} onClose={onClose} />
  if (asking === 'send')
    return (
      <ConfirmDialog title={t('Mark this invoice as sent?')} action={t('Mark as sent')} command="SendInvoice" detail={detail} onClose={onClose} onDone={onClose}>
        {rich('{total} for {name}. Nothing is mailed: print the invoice and send it yourself. Once it is marked as sent it takes payments, and can no longer be edited or deleted.', {
          total: <Amount of={total} />,
          name: customer.name,
        })}
      </ConfirmDialog>
    )
  if (asking === 'void')
    return (
      <ReasonDialog title={t('Void this invoice?')} action={t('Void invoice|do')} command="VoidInvoice" detail={detail} onClose={onClose}>
        {rich('It stays in the list as void, and nobody owes its {total} any more. This cannot be taken back.', { total: <Amount of={total} /> })}
      </ReasonDialog>
    )
  if (asking === 'write off')
    return (
      <ReasonDialog title={t('Write off what is left?')} action={t('Write off')} command="WriteOffInvoice" detail={detail} onClose={onClose}>
        {rich('{balance} become a loss and are no longer outstanding. This cannot be taken back; a payment that comes nevertheless can still be recorded.', {
          balance: <Amount of={balance} />,
        })}
      </ReasonDialog>
    )
  return (
    <ConfirmDialog title={t('Delete this draft?')} action={t('Delete draft')} danger command="DeleteInvoice" detail={detail} onClose={onClose} onDone={() => navigate('/')}>
      {t('The draft for {name} disappears from the list. Its history stays.', { name: customer.name })}
    </ConfirmDialog>
  )
}

import { useEffect, useEffectEvent, useState } from 'react'
import { draftOf } from '../edit'
import { differences, shown } from '../merge'
import { type Invoice, payable } from '../model'
import { type Money, formatMoney, minus } from '../money'
import type { Pending, Step } from '../pending'
import { request } from '../sentences'
import { works } from '../unsaved'
import { useChange } from '../use-change'
import { workKey } from '../work'
import type { Conflicting } from './conflict'
import { Failure } from './failure'
import { InvoiceBadge } from './status'
import { Waiting } from './waiting'
import { t } from '../language/text'

/** A payment, sending or deleting that came too late: shows what it was decided on, and what is there now. */
export function CommandConflict({ conflict: { change, version }, now, harmless, onClose, onDone }: Conflicting) {
  const key = workKey.paid(change.invoice)
  const [kept] = useState(() => works.find<object>(key))
  const { submit, pending, failure } = useChange({ onAccepted: onDone, onConflict: onDone })
  const steps: [Step, ...Step[]] = [change.step, ...change.rest]
  const apply = () => {
    const { invoice, about } = change
    const latest = Math.max(version, now?.version ?? 0)
    const batch = submit({ invoice, about, expected: latest, ...(now && { seen: now.invoice }), steps })
    if (kept) works.keep(key, { ...kept, batch })
  }
  const goOn = useEffectEvent(apply)
  useEffect(() => {
    if (harmless) goOn()
  }, [harmless])
  const discard = () => {
    if (pending) return onClose()
    works.drop(key)
    onDone()
  }
  return (
    <>
      {now && change.seen && <Comparison seen={change.seen} now={now.invoice} change={change} />}
      <div>
        <p className="label">{t('Your change')}</p>
        <ul>
          {steps.map((step, i) => (
            <li key={i}>{request(step)}</li>
          ))}
        </ul>
      </div>
      <Failure outcome={failure} />
      <Waiting pending={pending} />
      <div className="actions end">
        <button type="button" className="button" onClick={discard}>
          {pending ? t('Close') : t('Discard my change')}
        </button>
        <button type="button" className="button primary" onClick={apply} disabled={!!pending || !now}>
          {t('Apply to the latest version')}
        </button>
      </div>
    </>
  )
}

function Comparison({ seen, now, change }: { seen: Invoice; now: Invoice; change: Pending }) {
  const paid = (change.step.payload as { amount?: Money }).amount
  const rows = differences(seen, now, draftOf(seen))
  return (
    <table className="compare">
      <thead>
        <tr>
          <th scope="col">{t('Field')}</th>
          <th scope="col">{t('You saw')}</th>
          <th scope="col">{t('Now')}</th>
          {paid && <th scope="col">{t('With your payment')}</th>}
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">{t('Status')}</th>
          <td data-label={t('You saw')}>
            <InvoiceBadge invoice={seen} />
          </td>
          <td data-label={t('Now')}>
            <InvoiceBadge invoice={now} />
          </td>
          {paid && <td />}
        </tr>
        <tr>
          <th scope="row">{t('Still owed')}</th>
          <td data-label={t('You saw')} className="money">{formatMoney(seen.balance)}</td>
          <td data-label={t('Now')} className="money">{formatMoney(now.balance)}</td>
          {paid && <td data-label={t('With your payment')} className="money">{formatMoney(minus(payable(now), paid))}</td>}
        </tr>
        {rows.map((row) => (
          <tr key={row.key}>
            <th scope="row">{row.label}</th>
            <td data-label={t('You saw')}>{shown(row.was)}</td>
            <td data-label={t('Now')}>{shown(row.theirs)}</td>
            {paid && <td />}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

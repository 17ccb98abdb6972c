import { type SyntheticEvent, useEffect, useRef, useState } from 'react'
import { isDay, today } from '../dates'
import { type Errors, characters } from '../edit'
import { paymentErrors } from '../fields'
import { type Detail, payable } from '../model'
import { fits, isPositive, minorDigits } from '../money'
import { misread, readDecimal, typedForm } from '../reading'
import { type PaymentWork, works } from '../unsaved'
import { useChange } from '../use-change'
import { workKey } from '../work'
import { Amount } from './amount'
import { Dialog } from './dialog'
import { Failure } from './failure'
import { Choices, Field } from './field'
import { Waiting } from './waiting'
import { rich, t } from '../language/text'

function validate({ amount: typed, date, reference }: PaymentWork, currency: string): Errors {
  const errors: Errors = {}
  const amount = readDecimal(typed)
  if (amount === undefined) errors.amount = misread(typed) ?? ''
  else if (!isPositive(amount)) errors.amount = t('Enter an amount above zero.')
  else if (!fits(amount, currency)) errors.amount = t('{currency} has {n} decimals.', { currency, n: minorDigits(currency) })
  if (!isDay(date)) errors.date = t('Enter the day of the payment.')
  if (characters(reference) > 140) errors.reference = t('At most {n} characters fit.', { n: 140 })
  return errors
}

export function PaymentDialog({ detail, onClose }: { detail: Detail; onClose: () => void }) {
  const [seen] = useState(detail) // the version that the person looked at when the dialog was opened
  const { status, customer } = seen.invoice
  const left = payable(seen.invoice)
  const key = workKey.paid(seen.id)
  const [work] = useState(() => works.find<PaymentWork>(key))
  const [typed, setTyped] = useState(() => work?.typed ?? { amount: typedForm(left.amount), date: today(), reference: '' })
  const [errors, setErrors] = useState<Errors>({})
  const form = useRef<HTMLFormElement>(null)
  const { submit, pending, failure } = useChange({ onAccepted: onClose, onConflict: onClose })
  const type = (change: Partial<PaymentWork>) => {
    const next = { ...typed, ...change }
    setTyped(next)
    setErrors({})
    works.keep(key, { typed: next, version: seen.version, batch: pending?.batch })
  }
  const wrong: Errors = { ...(failure && paymentErrors(failure)), ...errors }
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [errors, failure])

  const save = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (pending) return
    const found = validate(typed, left.currency)
    setErrors(found)
    if (Object.keys(found).length > 0) return
    const amount = { amount: readDecimal(typed.amount) ?? typed.amount, currency: left.currency }
    const payload = { amount, date: typed.date, reference: typed.reference.trim() }
    const { id, version, invoice } = seen
    const batch = submit({ invoice: id, about: customer.name, expected: version, seen: invoice, steps: [{ command: 'ReceivePayment', payload }] })
    works.keep(key, { typed, version, batch })
  }
  const cancel = () => {
    if (!pending) works.drop(key)
    onClose()
  }
  return (
    <Dialog title={t('Record a payment')} onClose={onClose}>
      <form ref={form} className="editor" noValidate onSubmit={save}>
        <p className="muted num">
          {status === 'written_off' ? rich('Of {name}’s invoice {amount} were written off.', { name: customer.name, amount: <Amount of={left} /> }) : rich('{name} owes {amount}.', { name: customer.name, amount: <Amount of={left} /> })}
        </p>
        {work && !pending && <p className="muted small" role="status">{t('What you typed before was restored. Cancel discards it.')}</p>}
        <div className="pair">
          <Field
            label={t('Amount in {currency}', { currency: left.currency })}
            name="amount"
            className="input num"
            inputMode="decimal"
            autoComplete="off"
            value={typed.amount}
            onChange={(e) => type({ amount: e.target.value })}
            hint={wrong.amount && <Choices typed={typed.amount} onChoose={(amount) => type({ amount })} />}
            error={wrong.amount}
          />
          <Field label={t('Received on')} name="date" type="date" value={typed.date} onChange={(e) => type({ date: e.target.value })} error={wrong.date} />
          <Field
            label={t('Reference')}
            optional
            span
            name="reference"
            autoComplete="off"
            value={typed.reference}
            onChange={(e) => type({ reference: e.target.value })}
            error={wrong.reference}
          />
        </div>
        <Failure outcome={failure} atField={Object.keys(wrong).length > 0} />
        <Waiting pending={pending} />
        <div className="actions end">
          <button type="button" className="button" onClick={cancel}>
            {pending ? t('Close') : t('Cancel')}
          </button>
          <button type="submit" className="button primary" disabled={!!pending}>
            {t('Record payment')}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

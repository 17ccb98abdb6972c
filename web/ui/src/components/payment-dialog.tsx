import { type SyntheticEvent, useState } from 'react'
import { isDay, today } from '../dates'
import type { Errors } from '../edit'
import type { Detail } from '../model'
import { fits, formatMoney, isPositive, minorDigits, readDecimal } from '../money'
import { fieldErrors } from '../problems'
import { useChange } from '../use-change'
import { Dialog } from './dialog'
import { Failure } from './failure'
import { Field } from './field'
import { Waiting } from './waiting'

function validate(typed: string, date: string, currency: string): Errors {
  const errors: Errors = {}
  const amount = readDecimal(typed)
  if (amount === undefined) errors.amount = 'Use digits and a decimal point, such as 1250.50.'
  else if (!isPositive(amount)) errors.amount = 'Enter an amount above zero.'
  else if (!fits(amount, currency)) errors.amount = `${currency} has ${minorDigits(currency)} decimals.`
  if (!isDay(date)) errors.date = 'Enter the day of the payment.'
  return errors
}

export function PaymentDialog({ detail, onClose }: { detail: Detail; onClose: () => void }) {
  const [seen] = useState(detail) // the version that the person looked at when the dialog was opened
  const { balance, customer } = seen.invoice
  const [amount, setAmount] = useState(balance.amount)
  const [date, setDate] = useState(today)
  const [reference, setReference] = useState('')
  const [errors, setErrors] = useState<Errors>({})
  const { submit, pending, failure } = useChange({ onAccepted: onClose, onConflict: onClose })

  const save = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (pending) return
    const found = validate(amount, date, balance.currency)
    setErrors(found)
    const [first] = Object.keys(found)
    if (first) return (event.currentTarget.elements.namedItem(first) as HTMLElement).focus()
    const paid = { amount: readDecimal(amount) ?? amount, currency: balance.currency }
    const payload = { amount: paid, date, reference: reference.trim() }
    submit({ invoice: seen.id, about: customer.name, expected: seen.version, steps: [{ command: 'ReceivePayment', payload }] })
  }
  const wrong: Errors = { ...fieldErrors(failure, ['amount', 'date']), ...errors }
  return (
    <Dialog title="Record a payment" onClose={onClose}>
      <form className="editor" noValidate onSubmit={save}>
        <p className="muted num">
          {customer.name} owes {formatMoney(balance)}.
        </p>
        <div className="pair">
          <Field
            label={`Amount in ${balance.currency}`}
            name="amount"
            className="input num"
            inputMode="decimal"
            autoComplete="off"
            autoFocus
            value={amount}
            onChange={(e) => setAmount(e.target.value)}
            onFocus={(e) => e.target.select()}
            error={wrong.amount}
          />
          <Field label="Received on" name="date" type="date" value={date} onChange={(e) => setDate(e.target.value)} error={wrong.date} />
          <Field label="Reference" optional span name="reference" autoComplete="off" value={reference} onChange={(e) => setReference(e.target.value)} />
        </div>
        <Failure outcome={failure} atField={Object.keys(wrong).length > 0} />
        <Waiting pending={pending} />
        <div className="actions end">
          <button type="button" className="button" onClick={onClose}>
            {pending ? 'Close' : 'Cancel'}
          </button>
          <button type="submit" className="button primary" disabled={!!pending}>
            Record payment
          </button>
        </div>
      </form>
    </Dialog>
  )
}

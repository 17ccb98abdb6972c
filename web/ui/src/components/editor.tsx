import { type KeyboardEvent, type ReactNode, type SyntheticEvent, useEffect, useId, useRef, useState } from 'react'
import type { Outcome } from '../commands'
import { currencies, currencyName } from '../currencies'
import { addDays, isDay } from '../dates'
import { type Draft, type Errors, validate } from '../edit'
import type { Customer } from '../model'
import { formatMoney, netPreview, sum } from '../money'
import type { Pending } from '../pending'
import { Failure } from './failure'
import { Field, Label } from './field'
import { Lines } from './lines'
import { Waiting } from './waiting'

interface Props {
  initial: Draft
  isNew: boolean
  pending: Pending | undefined
  failure: Outcome | undefined
  failed: Errors // what the server said, by field
  onSubmit: (draft: Draft) => void
  cancel: ReactNode
}

/** The form of an invoice: for a new one and for a draft. */
export function Editor({ initial, isNew, pending, failure, failed, onSubmit, cancel }: Props) {
  const [draft, setDraft] = useState(initial)
  const [errors, setErrors] = useState<Errors>({})
  const form = useRef<HTMLFormElement>(null)
  const wrong = { ...failed, ...errors }

  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [errors, failure])

  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (pending) return
    const found = validate(draft)
    setErrors(found)
    if (Object.keys(found).length === 0) onSubmit(draft)
  }
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.current?.requestSubmit()
  }
  const set = (change: Partial<Draft>) => setDraft((d) => ({ ...d, ...change }))

  return (
    <form ref={form} className="editor" noValidate onSubmit={submit} onKeyDown={press}>
      <CustomerPanel customer={draft.customer} errors={wrong} onChange={(customer) => set({ customer })} />
      <TermsPanel draft={draft} errors={wrong} fixedCurrency={!isNew} onChange={set} />
      <section className="card panel">
        <h2>Lines</h2>
        <Lines lines={draft.lines} currency={draft.currency} errors={wrong} onChange={(lines) => set({ lines })} />
        {wrong.lines && <p className="wrong">{wrong.lines}</p>}
        <Preview draft={draft} />
      </section>
      <Failure outcome={failure} atField={Object.keys(failed).length > 0} />
      <div className="submit">
        <Waiting pending={pending} />
        <span className="push">{cancel}</span>
        <button type="submit" className="button primary" disabled={!!pending}>
          {isNew ? 'Create draft' : 'Save changes'}
        </button>
      </div>
    </form>
  )
}

interface CustomerProps {
  customer: Customer
  errors: Errors
  onChange: (customer: Customer) => void
}

function CustomerPanel({ customer, errors, onChange }: CustomerProps) {
  const id = useId()
  return (
    <section className="card panel">
      <h2>Customer</h2>
      <div className="pair">
        <Field
          label="Name"
          name="name"
          autoComplete="off"
          required
          value={customer.name}
          onChange={(e) => onChange({ ...customer, name: e.target.value })}
          error={errors.name}
        />
        <Field
          label="E-mail"
          optional
          name="email"
          type="email"
          autoComplete="off"
          value={customer.email}
          onChange={(e) => onChange({ ...customer, email: e.target.value })}
        />
        <div className="field span">
          <Label id={id} label="Address" optional />
          <textarea
            id={id}
            className="input"
            rows={3}
            value={customer.address}
            onChange={(e) => onChange({ ...customer, address: e.target.value })}
          />
        </div>
      </div>
    </section>
  )
}

interface TermsProps {
  draft: Draft
  errors: Errors
  fixedCurrency: boolean
  onChange: (change: Partial<Draft>) => void
}

function TermsPanel({ draft: { issueDate, dueDate, currency }, errors, fixedCurrency, onChange }: TermsProps) {
  return (
    <section className="card panel">
      <h2>Terms</h2>
      <div className="three">
        <Field
          label="Date of the invoice"
          name="issueDate"
          type="date"
          value={issueDate}
          onChange={(e) => onChange({ issueDate: e.target.value })}
          error={errors.issueDate ?? errors.date}
        />
        <Field
          label="Due date"
          name="dueDate"
          type="date"
          value={dueDate}
          onChange={(e) => onChange({ dueDate: e.target.value })}
          error={errors.dueDate}
          hint={isDay(issueDate) && <DueIn onChoose={(days) => onChange({ dueDate: addDays(issueDate, days) })} />}
        />
        <CurrencyField currency={currency} fixed={fixedCurrency} error={errors.currency} onChange={onChange} />
      </div>
    </section>
  )
}

function DueIn({ onChoose }: { onChoose: (days: number) => void }) {
  return (
    <div className="quick">
      {[14, 30, 60].map((days) => (
        <button key={days} type="button" onClick={() => onChoose(days)}>
          in {days} days
        </button>
      ))}
    </div>
  )
}

interface CurrencyProps {
  currency: string
  fixed: boolean
  error: string | undefined
  onChange: (change: Partial<Draft>) => void
}

function CurrencyField({ currency, fixed, error, onChange }: CurrencyProps) {
  const id = useId()
  return (
    <div className="field">
      <Label id={id} label="Currency" />
      <select
        id={id}
        className="input"
        disabled={fixed}
        value={currency}
        onChange={(e) => onChange({ currency: e.target.value })}
        {...(error && { 'aria-invalid': true })}
      >
        {currencies(currency).map((code) => (
          <option key={code} value={code}>
            {code} – {currencyName(code)}
          </option>
        ))}
      </select>
      {fixed && <p className="muted small">The currency of an invoice stays what it was created with.</p>}
      {error && <p className="wrong">{error}</p>}
    </div>
  )
}

function Preview({ draft: { lines, currency } }: { draft: Draft }) {
  const nets = lines.flatMap((l) => netPreview(l.quantity, l.unitPrice, currency) ?? [])
  return (
    <p className="preview num">
      <span className="muted small">A preview. The amounts that count are computed when you save.</span>
      <output>{formatMoney(sum(nets, currency))}</output>
    </p>
  )
}

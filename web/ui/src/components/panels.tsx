import { type Dispatch, memo, useId } from 'react'
import { currencies, currencyName } from '../currencies'
import { addDays, isDay } from '../dates'
import type { Draft, Errors } from '../edit'
import type { Edit } from '../editing'
import type { Customer } from '../model'
import { Field, Label, Wrong, describedBy } from './field'
import { t } from '../language/text'

interface CustomerProps {
  customer: Customer
  errors: Errors
  onEdit: Dispatch<Edit>
}

export const CustomerPanel = memo(function CustomerPanel({ customer, errors, onEdit }: CustomerProps) {
  const id = useId()
  const set = (change: Partial<Customer>) => onEdit({ type: 'customer', change })
  return (
    <section className="card panel">
      <h2>{t('Customer')}</h2>
      <div className="pair">
        <Field
          label={t('Name')}
          name="name"
          autoComplete="off"
          required
          value={customer.name}
          onChange={(e) => set({ name: e.target.value })}
          error={errors.name}
        />
        <Field
          label={t('E-mail')}
          optional
          name="email"
          type="email"
          autoComplete="off"
          value={customer.email}
          onChange={(e) => set({ email: e.target.value })}
          error={errors.email}
        />
        <div className="field span">
          <Label id={id} label={t('Address')} optional />
          <textarea
            id={id}
            className="input"
            rows={3}
            value={customer.address}
            onChange={(e) => set({ address: e.target.value })}
            {...describedBy(id, errors.address)}
          />
          <Wrong id={id} error={errors.address} />
        </div>
      </div>
    </section>
  )
})

interface TermsProps {
  issueDate: string
  dueDate: string
  currency: string
  errors: Errors
  fixedCurrency: boolean
  onEdit: Dispatch<Edit>
}

export const TermsPanel = memo(function TermsPanel({ issueDate, dueDate, currency, errors, fixedCurrency, onEdit }: TermsProps) {
  const set = (change: Partial<Draft>) => onEdit({ type: 'terms', change })
  return (
    <section className="card panel">
      <h2>{t('Terms')}</h2>
      <div className="three">
        <Field
          label={t('Date of the invoice')}
          name="issueDate"
          type="date"
          value={issueDate}
          onChange={(e) => set({ issueDate: e.target.value })}
          error={errors.issueDate ?? errors.date}
        />
        <Field
          label={t('Due date')}
          name="dueDate"
          type="date"
          value={dueDate}
          onChange={(e) => set({ dueDate: e.target.value })}
          error={errors.dueDate}
          hint={isDay(issueDate) && <DueIn onChoose={(days) => set({ dueDate: addDays(issueDate, days) })} />}
        />
        <CurrencyField currency={currency} fixed={fixedCurrency} error={errors.currency} onChange={set} />
      </div>
    </section>
  )
})

function DueIn({ onChoose }: { onChoose: (days: number) => void }) {
  return (
    <div className="quick">
      {[14, 30, 60].map((days) => (
        <button key={days} type="button" onClick={() => onChoose(days)}>
          {t('in {n} days', { n: days })}
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
      <Label id={id} label={t('Currency')} />
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
      {fixed && <p className="muted small">{t('The currency of an invoice stays what it was created with.')}</p>}
      {error && <p className="wrong">{error}</p>}
    </div>
  )
}

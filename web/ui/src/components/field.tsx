import { type ComponentProps, type ReactNode, useId } from 'react'
import { choices } from '../reading'
import { t } from '../language/text'

interface FieldProps extends ComponentProps<'input'> {
  label: string
  optional?: boolean
  error?: string | undefined
  hint?: ReactNode
  span?: boolean
}

/** A labelled input with its error next to it. */
export function Field({ label, optional, error, hint, span, ...input }: FieldProps) {
  const id = useId()
  return (
    <div className={span ? 'field span' : 'field'}>
      <Label id={id} label={label} optional={optional} />
      <input className="input" {...input} id={id} {...describedBy(id, error)} />
      {hint}
      <Wrong id={id} error={error} />
    </div>
  )
}

export function Label({ id, label, optional }: { id: string; label: string; optional?: boolean | undefined }) {
  return (
    <label htmlFor={id}>
      {label} {optional && <span className="optional">({t('optional')})</span>}
    </label>
  )
}

export function Wrong({ id, error }: { id: string; error: string | undefined }) {
  return error ? (
    <p className="wrong" id={`${id}-error`}>
      {error}
    </p>
  ) : null
}

/** A number that can be read in two ways, to choose from. The field that is filled this way has the focus again. */
export function Choices({ typed, onChoose }: { typed: string; onChoose: (value: string) => void }) {
  const offered = choices(typed)
  if (offered.length === 0) return null
  const choose = (button: HTMLElement, value: string) => {
    button.closest('td, .field')?.querySelector('input')?.focus()
    onChoose(value)
  }
  return (
    <div className="quick" role="group" aria-label={t('What {typed} means', { typed })}>
      {offered.map((value) => (
        <button key={value} type="button" className="num" onClick={(e) => choose(e.currentTarget, value)}>
          {value}
        </button>
      ))}
    </div>
  )
}

export function describedBy(id: string, error: string | undefined) {
  return error ? { 'aria-invalid': true, 'aria-describedby': `${id}-error` } : {}
}

import { type ReactNode, type SyntheticEvent, useEffect, useRef, useState } from 'react'
import type { CommandName } from '../api'
import { characters } from '../edit'
import { reasonError } from '../fields'
import type { Detail } from '../model'
import { useChange } from '../use-change'
import { Dialog } from './dialog'
import { Failure } from './failure'
import { Field } from './field'
import { Waiting } from './waiting'
import { t } from '../language/text'

interface Props {
  title: string
  action: string
  command: CommandName
  detail: Detail
  onClose: () => void
  children: ReactNode
}

/** Asks for the reason of a command that cannot be taken back. */
export function ReasonDialog({ title, action, command, detail, onClose, children }: Props) {
  const [seen] = useState(detail) // the version that the person looked at when the question was asked
  const [typed, setTyped] = useState('')
  const [wrong, setWrong] = useState<string>()
  const form = useRef<HTMLFormElement>(null)
  const { submit, pending, failure } = useChange({ onAccepted: onClose, onConflict: onClose })
  const error = wrong ?? (failure && reasonError(failure))
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [wrong, failure])

  const confirm = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (pending) return
    const reason = typed.trim()
    const found = reason === '' ? t('Say why, for whoever looks at the invoice later.') : characters(reason) > 500 ? t('At most {n} characters fit.', { n: 500 }) : undefined
    setWrong(found)
    if (found) return
    const { id, version, invoice } = seen
    submit({ invoice: id, about: invoice.customer.name, expected: version, seen: invoice, steps: [{ command, payload: { reason } }] })
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form ref={form} className="editor" noValidate onSubmit={confirm}>
        <p>{children}</p>
        <Field
          label={t('Reason')}
          name="reason"
          autoComplete="off"
          required
          value={typed}
          onChange={(e) => {
            setTyped(e.target.value)
            setWrong(undefined)
          }}
          error={error}
        />
        <Failure outcome={failure} atField={error !== undefined} />
        <Waiting pending={pending} />
        <div className="actions end">
          <button type="button" className="button" onClick={onClose}>
            {pending ? t('Close') : t('Cancel')}
          </button>
          <button type="submit" className="button primary danger" disabled={!!pending}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

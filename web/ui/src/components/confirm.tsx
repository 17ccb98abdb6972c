import { type ReactNode, useState } from 'react'
import type { CommandName } from '../api'
import type { Detail } from '../model'
import { useChange } from '../use-change'
import { Dialog } from './dialog'
import { Failure } from './failure'
import { Waiting } from './waiting'
import { t } from '../language/text'

interface Props {
  title: string
  action: string
  command: CommandName
  danger?: boolean
  detail: Detail
  onClose: () => void
  onDone: () => void
  children: ReactNode
}

/** Asks before a command without a payload that cannot be taken back. */
export function ConfirmDialog({ title, action, command, danger, detail, onClose, onDone, children }: Props) {
  const [seen] = useState(detail) // the version that the person looked at when the question was asked
  const { submit, pending, failure } = useChange({ onAccepted: onDone, onConflict: onClose })
  const confirm = () => {
    const { id, version, invoice } = seen
    submit({ invoice: id, about: invoice.customer.name, expected: version, seen: invoice, steps: [{ command, payload: {} }] })
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{children}</p>
      <Failure outcome={failure} />
      <Waiting pending={pending} />
      <div className="actions end">
        <button type="button" className="button" data-first onClick={onClose}>
          {pending ? t('Close') : t('Cancel')}
        </button>
        <button type="button" className={`button primary ${danger ? 'danger' : ''}`} disabled={!!pending} onClick={confirm}>
          {action}
        </button>
      </div>
    </Dialog>
  )
}

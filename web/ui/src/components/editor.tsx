import { type KeyboardEvent, type ReactNode, type SyntheticEvent, useEffect, useRef, useState } from 'react'
import type { Outcome } from '../commands'
import { type Draft, type Errors, validate } from '../edit'
import { formatMoney, netPreview, sum } from '../money'
import type { Pending } from '../pending'
import { fieldErrors } from '../problems'
import { Failure } from './failure'
import { Lines } from './lines'
import { CustomerPanel, TermsPanel } from './panels'
import { Waiting } from './waiting'

interface Props {
  initial: Draft
  isNew: boolean
  pending: Pending | undefined
  failure: Outcome | undefined
  onSubmit: (draft: Draft) => void
  cancel: ReactNode
}

/** The form of an invoice: for a new one and for a draft. */
export function Editor({ initial, isNew, pending, failure, onSubmit, cancel }: Props) {
  const [draft, setDraft] = useState(initial)
  const [errors, setErrors] = useState<Errors>({})
  const form = useRef<HTMLFormElement>(null)
  const failed = fieldErrors(failure, ['name', 'currency', 'date', 'dueDate', 'lines'])
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

function Preview({ draft: { lines, currency } }: { draft: Draft }) {
  const nets = lines.flatMap((l) => netPreview(l.quantity, l.unitPrice, currency) ?? [])
  return (
    <p className="preview num">
      <span className="muted small">A preview. The amounts that count are computed when you save.</span>
      <output>{formatMoney(sum(nets, currency))}</output>
    </p>
  )
}

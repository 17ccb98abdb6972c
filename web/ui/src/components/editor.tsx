import { type KeyboardEvent, type SyntheticEvent, memo, useCallback, useDeferredValue, useEffect, useEffectEvent, useMemo, useReducer, useRef, useState } from 'react'
import { Link } from 'wouter'
import type { Outcome } from '../commands'
import { type Draft, type Errors, validate } from '../edit'
import { type Edit, applyEdit } from '../editing'
import type { Pending } from '../pending'
import { preview } from '../preview'
import { readPricing } from '../pricing'
import { invoiceErrors } from '../fields'
import { Amount } from './amount'
import { DiscardDialog } from './discard'
import { Failure } from './failure'
import { Lines } from './lines'
import { CustomerPanel, TermsPanel } from './panels'
import { PricingPanel } from './pricing-panel'
import { Sums } from './sums'
import { Waiting } from './waiting'
import { t } from '../language/text'

interface Props {
  initial: Draft
  isNew: boolean
  restored?: boolean // initial is unsaved work already
  pending: Pending | undefined
  failure: Outcome | undefined
  onType: (draft: Draft) => boolean // keeps it; false when leaving would lose it
  onSubmit: (draft: Draft) => void
  onDiscard: () => void
  away: string // where to go from here
}

/** The form of an invoice: for a new one and for a draft. */
export function Editor({ initial, isNew, restored = false, pending, failure, onType, onSubmit, onDiscard, away }: Props) {
  const [draft, dispatch] = useReducer(applyEdit, initial)
  const [errors, setErrors] = useErrors(failure, draft)
  const [asking, setAsking] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const touched = restored || draft !== initial
  useKeeping(draft, initial, onType)

  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [errors.shown, failure])

  const onEdit = useCallback(
    (edit: Edit) => {
      dispatch(edit)
      setErrors((e) => without(e, edit))
    },
    [setErrors],
  )
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (pending) return
    const found = validate(draft)
    setErrors({ at: found, shown: {} })
    if (Object.keys(found).length === 0) onSubmit(draft)
  }
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.current?.requestSubmit()
  }
  const { issueDate, dueDate, currency, pricesIncludeTax, adjustments, exemptions, lines } = draft
  const wrong = errors.at

  return (
    <form ref={form} className="editor" noValidate onSubmit={submit} onKeyDown={press}>
      <CustomerPanel customer={draft.customer} errors={wrong} onEdit={onEdit} />
      <TermsPanel {...{ issueDate, dueDate, currency }} errors={wrong} fixedCurrency={!isNew} onEdit={onEdit} />
      <section className="card panel">
        <h2>{t('Lines')}</h2>
        <Lines lines={draft.lines} currency={currency} errors={wrong} onEdit={onEdit} />
        {wrong.lines && <p className="wrong">{wrong.lines}</p>}
      </section>
      <PricingPanel {...{ pricesIncludeTax, adjustments, exemptions, lines }} errors={wrong} onEdit={onEdit} />
      <section className="card panel">
        <Preview {...{ pricesIncludeTax, adjustments, exemptions, lines, currency }} />
      </section>
      <Failure outcome={failure} atField={Object.keys(wrong).length > 0} />
      <div className="submit">
        <Waiting pending={pending} />
        {touched && !pending && <span className="muted small">{t('What you typed is kept in this browser until you save or discard it.')}</span>}
        <span className="push">
          {touched && !pending ? (
            <button type="button" className="button quiet" onClick={() => setAsking(true)}>
              {t('Discard changes')}
            </button>
          ) : (
            <Link className="button quiet" href={away} replace={!isNew}>
              {pending ? t('Leave') : t('Cancel')}
            </Link>
          )}
        </span>
        <button type="submit" className="button primary" disabled={!!pending}>
          {isNew ? t('Create draft') : t('Save changes')}
        </button>
      </div>
      {asking && <DiscardDialog onClose={() => setAsking(false)} onDiscard={onDiscard} />}
    </form>
  )
}

/** What is wrong by field. shown is another object whenever the person is to be led to the first of them. */
interface Found {
  at: Errors
  shown: object
}

const none: Found = { at: {}, shown: {} }

function useErrors(failure: Outcome | undefined, draft: Draft): [Found, (next: Found | ((e: Found) => Found)) => void] {
  const [errors, setErrors] = useState(none)
  const [told, setTold] = useState<Outcome>()
  if (failure !== told) {
    setTold(failure)
    setErrors(failure ? { at: invoiceErrors(failure, draft), shown: {} } : none)
  }
  return [errors, setErrors]
}

/** A field that is being changed is not called wrong any more. */
function without(errors: Found, edit: Edit): Found {
  const gone = edit.type === 'line' ? [`${edit.key}.${edit.column}`] : 'change' in edit ? Object.keys(edit.change) : []
  if (!gone.some((field) => field in errors.at)) return errors
  return { ...errors, at: Object.fromEntries(Object.entries(errors.at).filter(([field]) => !gone.includes(field))) }
}

/** Keeps every key, so that a reload or a crash loses none; where the browser keeps nothing, it asks before leaving. */
function useKeeping(draft: Draft, initial: Draft, onType: (draft: Draft) => boolean): void {
  const lost = useRef(false)
  const keep = useEffectEvent(() => {
    if (draft !== initial) lost.current = !onType(draft)
  })
  useEffect(() => keep(), [draft])
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => lost.current && event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [])
}

type PreviewProps = Parameters<typeof preview>[0]

/** The sum follows when nothing is being typed: the key that is pressed comes first. */
const Preview = memo(function Preview(draft: PreviewProps) {
  const settled = useDeferredValue(useStable(draft))
  const computed = preview(settled)
  const pricing = readPricing(settled) ?? {}
  const simple = Object.keys(pricing).length === 0 && !computed.totals.taxes
  return (
    <div className="preview num">
      <span className="muted small">{t('A preview. The amounts that count are computed when you save.')}</span>
      <dl className="sums">
        {!simple && <Sums lines={computed.lines} pricing={pricing} totals={computed.totals} computed={computed} />}
        <dt className="last">{t('Total')}</dt>
        <dd className="last">
          <output>
            <Amount of={computed.payable} />
          </output>
        </dd>
      </dl>
    </div>
  )
})

/** The same object as long as all that is in it is the same. */
function useStable({ lines, currency, pricesIncludeTax, adjustments, exemptions }: PreviewProps): PreviewProps {
  return useMemo(
    () => ({ lines, currency, pricesIncludeTax, adjustments, exemptions }),
    [lines, currency, pricesIncludeTax, adjustments, exemptions],
  )
}

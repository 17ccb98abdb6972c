import { type Dispatch, memo, useEffectEvent, useLayoutEffect, useRef } from 'react'
import type { Draft, Errors, LineDraft } from '../edit'
import type { Edit } from '../editing'
import { type AdjustmentDraft, categoryNames, exempt } from '../pricing'
import { typedForm } from '../reading'
import { Choices, Field } from './field'
import { PlusIcon, TrashIcon } from './icons'
import { t } from '../language/text'

interface Props extends Pick<Draft, 'pricesIncludeTax' | 'adjustments' | 'exemptions'> {
  lines: LineDraft[]
  errors: Errors
  onEdit: Dispatch<Edit>
}

const names = { discount: t('Discount'), charge: t('Surcharge') }
const adding = { discount: t('Add discount'), charge: t('Add surcharge') }
const ofInvoice = { discount: t('Discount of the invoice'), charge: t('Surcharge of the invoice') }
const removing = { discount: 'Remove discount {n}', charge: 'Remove surcharge {n}' } as const

/** What is said of all lines together: whether prices include tax, discounts and surcharges, and why some are not taxed. */
export const PricingPanel = memo(function PricingPanel({ pricesIncludeTax = false, adjustments = [], exemptions = {}, lines, errors, onEdit }: Props) {
  const used = exempt.filter((category) => lines.some((l) => l.category === category))
  const taxed = pricesIncludeTax || lines.some((l) => l.category)
  return (
    <section className="card panel">
      <h2>{t('Tax and discounts')}</h2>
      {taxed && (
        <label className="check">
          <input type="checkbox" checked={pricesIncludeTax} onChange={(e) => onEdit({ type: 'terms', change: { pricesIncludeTax: e.target.checked } })} />
          {t('Prices include tax')}
        </label>
      )}
      {used.map((category) => (
        <Field
          key={category}
          label={t('Reason for “{what}”', { what: categoryNames[category] })}
          name={`exemption-${category}`}
          autoComplete="off"
          value={exemptions[category] ?? ''}
          onChange={(e) => onEdit({ type: 'exempted', category, reason: e.target.value })}
          error={errors[`exemption.${category}`]}
          hint={<p className="muted small">{t('The invoice has to say it before it is sent.')}</p>}
        />
      ))}
      <Adjustments adjustments={adjustments} errors={errors} onEdit={onEdit} />
      {errors.adjustments && <p className="wrong">{errors.adjustments}</p>}
    </section>
  )
})

function Adjustments({ adjustments, errors, onEdit }: { adjustments: AdjustmentDraft[]; errors: Errors; onEdit: Dispatch<Edit> }) {
  const list = useRef<HTMLDivElement>(null)
  const count = useRef(adjustments.length)
  const follow = useEffectEvent(() => {
    const grew = adjustments.length > count.current
    const shrank = adjustments.length < count.current
    count.current = adjustments.length
    if (grew) list.current?.querySelector<HTMLElement>('.adjustment:last-child input')?.focus()
    if (shrank) list.current?.parentElement?.querySelector<HTMLElement>('.add button')?.focus()
  })
  useLayoutEffect(() => follow(), [adjustments.length])
  return (
    <>
      <div ref={list}>
        {adjustments.map((a, i) => (
          <Adjustment key={a.key} adjustment={a} number={i + 1} error={errors[`${a.key}.value`]} onEdit={onEdit} />
        ))}
      </div>
      <div className="add">
        {(['discount', 'charge'] as const).map((kind) => (
          <button key={kind} type="button" className="button quiet" onClick={() => onEdit({ type: 'adjustmentAdded', kind })}>
            <PlusIcon />
            {adding[kind]}
          </button>
        ))}
      </div>
    </>
  )
}

interface AdjustmentProps {
  adjustment: AdjustmentDraft
  number: number
  error: string | undefined
  onEdit: Dispatch<Edit>
}

function Adjustment({ adjustment: { key, kind, value, reason }, number, error, onEdit }: AdjustmentProps) {
  const change = (adjustment: Partial<Pick<AdjustmentDraft, 'value' | 'reason'>>) => onEdit({ type: 'adjusted', key, adjustment })
  const name = names[kind]
  return (
    <div className="adjustment" role="group" aria-label={`${name} ${number}`}>
      <Field
        label={ofInvoice[kind]}
        name={`adjustment-${number}`}
        inputMode="text"
        autoComplete="off"
        placeholder={t('10 % or {amount}', { amount: typedForm('5.00') })}
        value={value}
        onChange={(e) => change({ value: e.target.value })}
        error={error}
        hint={error && <Choices typed={value.replace('%', '')} onChoose={(chosen) => change({ value: value.includes('%') ? `${chosen} %` : chosen })} />}
      />
      <Field label={t('Reason')} optional name={`adjustment-reason-${number}`} autoComplete="off" value={reason} onChange={(e) => change({ reason: e.target.value })} />
      <button type="button" className="icon" aria-label={t(removing[kind], { n: number })} onClick={() => onEdit({ type: 'adjustmentRemoved', key })}>
        <TrashIcon />
      </button>
    </div>
  )
}

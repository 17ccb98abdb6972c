import { type ReactNode, useState } from 'react'
import { useLocation } from 'wouter'
import { isDirty, revision, validate } from '../edit'
import { type Difference, type Side, differences, merge, shown } from '../merge'
import { can } from '../model'
import { invoicePath } from '../paths'
import { type EditWork, findEdit, works } from '../unsaved'
import { useChange } from '../use-change'
import { workKey } from '../work'
import type { Conflicting } from './conflict'
import { Failure } from './failure'
import { Waiting } from './waiting'
import { t } from '../language/text'

/** An edit that came too late: each field that either side has changed, to be taken from one of them. */
export function EditConflict({ conflict: { change }, now, onClose, onDone }: Conflicting) {
  const id = change.invoice
  const key = workKey.edited(id)
  const [, navigate] = useLocation()
  const [work] = useState(() => findEdit(id))
  const [choices, setChoices] = useState<Record<string, Side>>({})
  const { submit, pending, failure } = useChange({ onAccepted: onDone, onConflict: onDone })
  if (!now || !work) return <Buttons onDiscard={onClose} discard={t('Close')} />
  const { base, draft } = work.typed

  const apply = () => {
    const { version, invoice } = now
    const merged = merge(base, invoice, draft, choices)
    const work = (batch?: string) => works.replace<EditWork>(key, (w) => ({ ...w, typed: { draft: merged, base: invoice }, version, ...(batch && { batch }) }))
    const step = revision(invoice, merged)
    if (!step) return discard()
    if (Object.keys(validate(merged)).length > 0) {
      work()
      navigate(invoicePath(id, 'edit'))
      return onDone()
    }
    work(submit({ invoice: id, about: invoice.customer.name, expected: version, seen: invoice, steps: [step] }))
  }
  const discard = () => {
    works.replace(key, undefined)
    navigate(invoicePath(id))
    onDone()
  }
  if (!can.edit(now.invoice)) {
    return (
      <>
        <p>{t('It is not a draft any more, so it cannot be edited. What you typed is kept until you discard it.')}</p>
        <Table rows={differences(base, base, draft)} />
        <Buttons onDiscard={discard} discard={t('Discard my change')} />
      </>
    )
  }
  const rows = differences(base, now.invoice, draft)
  return (
    <>
      <Table rows={rows} choices={choices} onChoose={(key, side) => setChoices((c) => ({ ...c, [key]: side }))} />
      <Failure outcome={failure} />
      <Waiting pending={pending} />
      <Buttons onDiscard={pending ? onClose : discard} discard={pending ? t('Close') : t('Discard my change')}>
        <button type="button" className="button" onClick={onClose} disabled={!!pending}>
          {t('Go on editing')}
        </button>
        <button type="button" className="button primary" onClick={apply} disabled={!!pending}>
          {isDirty(now.invoice, merge(base, now.invoice, draft, choices)) ? t('Save these') : t('Take all of theirs')}
        </button>
      </Buttons>
    </>
  )
}

function Buttons({ onDiscard, discard, children }: { onDiscard: () => void; discard: string; children?: ReactNode }) {
  return (
    <div className="actions end">
      <button type="button" className="button" onClick={onDiscard}>
        {discard}
      </button>
      {children}
    </div>
  )
}

interface TableProps {
  rows: Difference[]
  choices?: Record<string, Side>
  onChoose?: (key: string, side: Side) => void
}

function Table({ rows, choices = {}, onChoose }: TableProps) {
  return (
    <table className="compare">
      <thead>
        <tr>
          <th scope="col">{t('Field')}</th>
          <th scope="col">{t('It was')}</th>
          <th scope="col">{t('Theirs')}</th>
          <th scope="col">{t('Yours')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key} className={row.clash ? 'clash' : ''}>
            <th scope="row">
              {row.label}
              {row.clash && <span className="badge" data-status="overdue">{t('Both changed')}</span>}
            </th>
            <td data-label={t('It was')}>{shown(row.was)}</td>
            {(['theirs', 'yours'] as const).map((side) => (
              <td key={side} data-label={side === 'theirs' ? t('Theirs') : t('Yours')}>
                {onChoose ? <Choice row={row} side={side} chosen={choices[row.key] ?? row.side} onChoose={onChoose} /> : shown(row[side])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface ChoiceProps {
  row: Difference
  side: Side
  chosen: Side
  onChoose: (key: string, side: Side) => void
}

function Choice({ row, side, chosen, onChoose }: ChoiceProps) {
  const text = shown(row[side])
  return (
    <label className="choice">
      <input
        type="radio"
        name={row.key}
        aria-label={`${row.label}: ${side === 'theirs' ? t('theirs') : t('yours')}, ${text}`}
        checked={chosen === side}
        onChange={() => onChoose(row.key, side)}
      />
      <span>{text}</span>
    </label>
  )
}

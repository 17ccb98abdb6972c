import { type Dispatch, type KeyboardEvent, type RefObject, memo, useEffectEvent, useLayoutEffect, useRef, useState } from 'react'
import type { Errors, LineDraft } from '../edit'
import type { Column, Edit } from '../editing'
import { linePreview } from '../preview'
import { categoryNames } from '../pricing'
import { typedForm } from '../reading'
import { Amount } from './amount'
import { Choices } from './field'
import { PercentIcon, PlusIcon, TrashIcon } from './icons'
import { t } from '../language/text'

interface Props {
  lines: LineDraft[]
  currency: string
  errors: Errors
  onEdit: Dispatch<Edit>
}

const columns: [Column, string, string][] = [
  ['description', t('Description'), 'what'],
  ['quantity', t('Quantity'), 'quantity'],
  ['unitPrice', t('Unit price'), 'price'],
]

/** What a line may say besides, in a row of its own within the line. */
const extras: [Column, string][] = [
  ['discount', t('Discount')],
  ['discountReason', t('Reason of the discount')],
  ['charge', t('Surcharge')],
  ['chargeReason', t('Reason of the surcharge')],
]

const placeholders: Partial<Record<Column, string>> = {
  description: t('What it is for'), unitPrice: typedForm('0.00'), rate: '19', discount: t('10 % or {amount}', { amount: typedForm('5.00') }), discountReason: t('Such as: loyalty'),
  charge: t('10 % or {amount}', { amount: typedForm('5.00') }), chargeReason: t('Such as: freight'),
}

const texts: Column[] = ['description', 'discountReason', 'chargeReason']

/** The grid of lines: Enter goes down a line and adds one at the end, the arrows move between lines. */
export function Lines({ lines, currency, errors, onEdit }: Props) {
  const grid = useRef<HTMLTableElement>(null)
  const add = useRef<HTMLButtonElement>(null)
  useFocusOnNeighbour(lines, grid, add)
  return (
    <>
      <table className="grid" ref={grid} onKeyDown={(event) => moveFocus(event, () => onEdit({ type: 'added' }))}>
        <thead>
          <tr>
            {columns.map(([column, label, look]) => (
              <th key={column} scope="col" className={look}>
                {label}
              </th>
            ))}
            <th scope="col" className="tax">
              {t('Tax')}
            </th>
            <th scope="col" className="net">
              {t('Preview')}
            </th>
            <th scope="col" className="remove">
              <span className="hidden">{t('More and remove')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line, row) => (
            <LineRow
              key={line.key}
              line={line}
              row={row}
              currency={currency}
              description={errors[`${line.key}.description`]}
              quantity={errors[`${line.key}.quantity`]}
              unitPrice={errors[`${line.key}.unitPrice`]}
              category={errors[`${line.key}.category`]}
              rate={errors[`${line.key}.rate`]}
              discount={errors[`${line.key}.discount`]}
              charge={errors[`${line.key}.charge`]}
              onEdit={onEdit}
            />
          ))}
        </tbody>
      </table>
      <button type="button" className="button quiet" ref={add} onClick={() => onEdit({ type: 'added' })}>
        <PlusIcon />
        {t('Add line')}
      </button>
    </>
  )
}

/** A line that goes takes the focus with it: it passes to the line that moved up, the one before, or the button to add. */
function useFocusOnNeighbour(lines: LineDraft[], grid: RefObject<HTMLTableElement | null>, add: RefObject<HTMLButtonElement | null>) {
  const before = useRef(lines)
  const follow = useEffectEvent(() => {
    const gone = before.current.findIndex((l, i) => l.key !== lines[i]?.key)
    const shrank = lines.length < before.current.length
    const grew = lines.length > before.current.length
    before.current = lines
    if (grew && document.activeElement === add.current) return focusCell(grid.current, 'description', lines.length - 1)
    if (!shrank || (document.activeElement && document.activeElement !== document.body)) return
    const remove = grid.current?.querySelectorAll<HTMLElement>('.remove button:last-child')
    ;(remove?.[Math.min(gone, lines.length - 1)] ?? add.current)?.focus()
  })
  useLayoutEffect(() => follow(), [lines])
}

function focusCell(grid: HTMLElement | null, column: string, row: number): void {
  grid?.querySelector<HTMLElement>(`[name="${column}-${row}"]`)?.focus()
}

function moveFocus(event: KeyboardEvent<HTMLTableElement>, add: () => void): void {
  const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step || event.ctrlKey || event.metaKey || event.nativeEvent.isComposing) return
  if (!(event.target instanceof HTMLInputElement)) return
  event.preventDefault()
  const grid = event.currentTarget
  const [column = '', row = ''] = event.target.name.split('-')
  const isLast = Number(row) === grid.querySelectorAll('tbody tr').length - 1
  if (event.key === 'Enter' && isLast) add()
  const target = event.key === 'Enter' && isLast ? 'description' : column
  requestAnimationFrame(() => focusCell(grid, target, Number(row) + step))
}

interface RowProps extends Partial<Record<Column, string | undefined>> {
  line: LineDraft
  row: number
  currency: string
  onEdit: Dispatch<Edit>
}

/** A row is drawn again only when its own line changes: with hundreds of lines, a key must not cost them all. */
const LineRow = memo(function LineRow({ line, row, currency, onEdit, ...errors }: RowProps) {
  const [opened, setOpened] = useState(false)
  const open = opened || extras.some(([column]) => (line[column] ?? '') !== '' || errors[column] !== undefined)
  const cell = (column: Column, label: string) => (
    <Cell
      name={`${column}-${row}`}
      label={t('{what} of line {n}', { what: label, n: row + 1 })}
      numeric={!texts.includes(column)}
      placeholder={placeholders[column] ?? ''}
      value={line[column] ?? ''}
      error={errors[column]}
      onChange={(value) => onEdit({ type: 'line', key: line.key, column, value })}
    />
  )
  return (
    <tr>
      {columns.map(([column, label, look]) => (
        <td key={column} className={look}>
          {cell(column, label)}
          {column === 'description' && open && (
            <div className="extras">
              {extras.map(([extra, name]) => (
                <div key={extra}>
                  <span className="muted small" aria-hidden="true">{name}</span>
                  {cell(extra, name)}
                </div>
              ))}
            </div>
          )}
        </td>
      ))}
      <td className="tax">
        <div className="rate">
          <CategorySelect line={line} row={row} error={errors.category} onEdit={onEdit} />
          {line.category === 'S' && <div>{cell('rate', t('Tax rate in percent'))}</div>}
        </div>
      </td>
      <td className="net num muted">
        <Net line={line} currency={currency} />
      </td>
      <td className="remove">
        <button type="button" className="icon" aria-expanded={open} aria-label={t('Discount and surcharge of line {n}', { n: row + 1 })} onClick={() => setOpened(!open)}>
          <PercentIcon />
        </button>
        <button type="button" className="icon" aria-label={t('Remove line {n}', { n: row + 1 })} onClick={() => onEdit({ type: 'removed', key: line.key })}>
          <TrashIcon />
        </button>
      </td>
    </tr>
  )
})

function Net({ line, currency }: { line: LineDraft; currency: string }) {
  const net = linePreview(line, currency)
  return net ? <Amount of={net} /> : '–'
}

interface SelectProps {
  line: LineDraft
  row: number
  error: string | undefined
  onEdit: Dispatch<Edit>
}

function CategorySelect({ line, row, error, onEdit }: SelectProps) {
  return (
    <div>
      <select
        className="input"
        name={`category-${row}`}
        aria-label={t('{what} of line {n}', { what: t('Tax'), n: row + 1 })}
        value={line.category ?? ''}
        onChange={(e) => onEdit({ type: 'line', key: line.key, column: 'category', value: e.target.value })}
        {...(error && { 'aria-invalid': true, 'aria-describedby': `category-${row}-error` })}
      >
        {Object.entries(categoryNames).map(([category, name]) => (
          <option key={category} value={category}>
            {name}
          </option>
        ))}
      </select>
      {error && (
        <p className="wrong" id={`category-${row}-error`}>
          {error}
        </p>
      )}
    </div>
  )
}

interface CellProps {
  name: string
  label: string
  numeric: boolean
  placeholder: string
  value: string
  error: string | undefined
  onChange: (value: string) => void
}

function Cell({ name, label, numeric, placeholder, value, error, onChange }: CellProps) {
  return (
    <>
      <input
        className={numeric ? 'input num' : 'input'}
        name={name}
        aria-label={label}
        inputMode={numeric ? 'decimal' : 'text'}
        autoComplete="off"
        placeholder={placeholder}
        value={value}
        onChange={(e) => onChange(e.target.value)}
        {...(error && { 'aria-invalid': true, 'aria-describedby': `${name}-error` })}
      />
      {error && (
        <p className="wrong" id={`${name}-error`}>
          {error}
        </p>
      )}
      {error && numeric && <Choices typed={value.replace('%', '')} onChoose={(chosen) => onChange(value.includes('%') ? `${chosen} %` : chosen)} />}
    </>
  )
}

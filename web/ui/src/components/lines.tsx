import { type Dispatch, type KeyboardEvent, type RefObject, memo, useEffectEvent, useLayoutEffect, useRef } from 'react'
import type { Errors, LineDraft } from '../edit'
import type { Column, Edit } from '../editing'
import { netPreview } from '../money'
import { typedForm } from '../reading'
import { Amount } from './amount'
import { Choices } from './field'
import { PlusIcon, TrashIcon } from './icons'

interface Props {
  lines: LineDraft[]
  currency: string
  errors: Errors
  onEdit: Dispatch<Edit>
}

const columns: [Column, string, string][] = [
  ['description', 'Description', 'what'],
  ['quantity', 'Quantity', 'quantity'],
  ['unitPrice', 'Unit price', 'price'],
]

const placeholders: Record<Column, string> = { description: 'What it is for', quantity: '', unitPrice: typedForm('0.00') }

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
            <th scope="col" className="net">
              Preview
            </th>
            <th scope="col" className="remove">
              <span className="hidden">Remove</span>
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
              onEdit={onEdit}
            />
          ))}
        </tbody>
      </table>
      <button type="button" className="button quiet" ref={add} onClick={() => onEdit({ type: 'added' })}>
        <PlusIcon />
        Add line
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
    const remove = grid.current?.querySelectorAll<HTMLElement>('.remove button')
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
  return (
    <tr>
      {columns.map(([column, label, look]) => (
        <td key={column} className={look}>
          <Cell
            name={`${column}-${row}`}
            label={`${label} of line ${row + 1}`}
            numeric={column !== 'description'}
            placeholder={placeholders[column]}
            value={line[column]}
            error={errors[column]}
            onChange={(value) => onEdit({ type: 'line', key: line.key, column, value })}
          />
        </td>
      ))}
      <td className="net num muted">
        <Net line={line} currency={currency} />
      </td>
      <td className="remove">
        <button type="button" className="icon" aria-label={`Remove line ${row + 1}`} onClick={() => onEdit({ type: 'removed', key: line.key })}>
          <TrashIcon />
        </button>
      </td>
    </tr>
  )
})

function Net({ line, currency }: { line: LineDraft; currency: string }) {
  const net = netPreview(line.quantity, line.unitPrice, currency)
  return net ? <Amount of={net} /> : '–'
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
      {error && numeric && <Choices typed={value} onChoose={onChange} />}
    </>
  )
}

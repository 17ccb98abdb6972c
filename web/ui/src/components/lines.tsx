import type { KeyboardEvent } from 'react'
import { uuidv7 } from '../ids'
import type { Errors, LineDraft } from '../edit'
import { formatMoney, netPreview } from '../money'
import { PlusIcon, TrashIcon } from './icons'

export function emptyLine(): LineDraft {
  return { key: uuidv7(), description: '', quantity: '1', unitPrice: '' }
}

interface Props {
  lines: LineDraft[]
  currency: string
  errors: Errors
  onChange: (lines: LineDraft[]) => void
}

type Column = 'description' | 'quantity' | 'unitPrice'

const columns: [Column, string, string][] = [
  ['description', 'Description', 'what'],
  ['quantity', 'Quantity', 'quantity'],
  ['unitPrice', 'Unit price', 'price'],
]

/** The grid of lines: Enter goes down a line and adds one at the end, the arrows move between lines. */
export function Lines({ lines, currency, errors, onChange }: Props) {
  const change = (key: string, column: Column, value: string) =>
    onChange(lines.map((l) => (l.key === key ? { ...l, [column]: value } : l)))
  const remove = (key: string) => onChange(lines.filter((l) => l.key !== key))
  const add = () => onChange([...lines, emptyLine()])

  const press = (event: KeyboardEvent<HTMLInputElement>, row: number, column: Column) => {
    const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (!step || event.ctrlKey || event.metaKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    const grid = event.currentTarget.closest('table')
    if (event.key === 'Enter' && row === lines.length - 1) add()
    const target = event.key === 'Enter' && row === lines.length - 1 ? 'description' : column
    requestAnimationFrame(() => grid?.querySelector<HTMLElement>(`[name="${target}-${row + step}"]`)?.focus())
  }

  return (
    <>
      <table className="grid">
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
            <tr key={line.key}>
              {columns.map(([column, label, look]) => (
                <td key={column} className={look}>
                  <Cell
                    name={`${column}-${row}`}
                    label={`${label} of line ${row + 1}`}
                    numeric={column !== 'description'}
                    placeholder={column === 'unitPrice' ? '0.00' : column === 'description' ? 'What it is for' : ''}
                    value={line[column]}
                    error={errors[`${line.key}.${column}`]}
                    onChange={(value) => change(line.key, column, value)}
                    onKeyDown={(event) => press(event, row, column)}
                  />
                </td>
              ))}
              <td className="net num muted">
                <Net line={line} currency={currency} />
              </td>
              <td className="remove">
                <button type="button" className="icon" aria-label={`Remove line ${row + 1}`} onClick={() => remove(line.key)}>
                  <TrashIcon />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button" className="button quiet" onClick={add}>
        <PlusIcon />
        Add line
      </button>
    </>
  )
}

function Net({ line, currency }: { line: LineDraft; currency: string }) {
  const net = netPreview(line.quantity, line.unitPrice, currency)
  return net ? formatMoney(net) : '–'
}

interface CellProps {
  name: string
  label: string
  numeric: boolean
  placeholder: string
  value: string
  error: string | undefined
  onChange: (value: string) => void
  onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => void
}

function Cell({ name, label, numeric, placeholder, value, error, onChange, onKeyDown }: CellProps) {
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
        onKeyDown={onKeyDown}
        {...(error && { 'aria-invalid': true, 'aria-describedby': `${name}-error` })}
      />
      {error && (
        <p className="wrong" id={`${name}-error`}>
          {error}
        </p>
      )}
    </>
  )
}

import { Link } from 'wouter'
import { type ListFilter, type SortKey, sortKeys } from '../api'
import { t } from '../language/text'

export type Sort = NonNullable<ListFilter['sort']> | ''

export const columns: Record<SortKey, string> = {
  customer: t('Customer'),
  status: t('Status'),
  issued: t('Issued'),
  due: t('Due'),
  total: t('Total'),
  balance: t('Balance'),
}

const largestFirst: readonly SortKey[] = ['issued', 'total', 'balance']

/** What a column is sorted by when it is chosen: first as people mostly want it, then the other way round, then not at all. */
export function nextSort(key: SortKey, sort: Sort): Sort {
  const turns: Sort[] = largestFirst.includes(key) ? [`-${key}`, key] : [key, `-${key}`]
  return sort === turns[0] ? (turns[1] ?? '') : sort === turns[1] ? '' : (turns[0] ?? '')
}

interface ColumnProps {
  of: SortKey
  sort: Sort
  link: (sort: Sort) => string
  right?: boolean
}

/** The head of a column. Where there is room for heads, it sorts. */
export function Column({ of, sort, link, right = false }: ColumnProps) {
  const direction = sort === of ? 'ascending' : sort === `-${of}` ? 'descending' : undefined
  return (
    <th scope="col" className={right ? 'right' : undefined} aria-sort={direction}>
      <Link className="wide-only" href={link(nextSort(of, sort))} replace>
        {columns[of]}
        <span aria-hidden="true">{direction === 'ascending' ? ' ↑' : direction === 'descending' ? ' ↓' : ''}</span>
      </Link>
      <span className="narrow-only">{columns[of]}</span>
    </th>
  )
}

/** The same on a phone, where the columns have no heads. */
export function SortChoice({ sort, onChange }: { sort: Sort; onChange: (sort: Sort) => void }) {
  const ways = sortKeys.flatMap((key): Sort[] => [key, `-${key}`])
  return (
    <select className="input sorting narrow-only" aria-label={t('Sort by')} value={sort} onChange={(e) => onChange(ways.find((w) => w === e.target.value) ?? '')}>
      <option value="">{t('Last changed first')}</option>
      {sortKeys.map((key) => (
        <optgroup key={key} label={columns[key]}>
          <option value={key}>{t('{column}, ascending', { column: columns[key] })}</option>
          <option value={`-${key}`}>{t('{column}, descending', { column: columns[key] })}</option>
        </optgroup>
      ))}
    </select>
  )
}

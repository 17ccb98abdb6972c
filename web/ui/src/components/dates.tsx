import { useState } from 'react'
import { type DateBound, type ListFilter, dateBounds } from '../api'
import type { FilterChange } from '../filter'
import { t } from '../language/text'

const names: Record<DateBound, string> = {
  issuedFrom: t('Issued from'),
  issuedTo: t('Issued until'),
  dueFrom: t('Due from'),
  dueTo: t('Due until'),
}

interface DatesProps {
  filter: ListFilter
  onChange: (change: FilterChange) => void
}

/** Cuts the list by dates. */
export function Dates({ filter, onChange }: DatesProps) {
  const set = dateBounds.filter((bound) => filter[bound])
  return (
    <details className="dates">
      <summary className="button">{set.length > 0 ? t('Dates ({n})', { n: set.length }) : t('Dates')}</summary>
      <div className="card bounds">
        {dateBounds.map((bound) => (
          <Bound key={bound} name={names[bound]} value={filter[bound] ?? ''} onChange={(day) => onChange({ [bound]: day })} />
        ))}
        {set.length > 0 && (
          <button type="button" className="link" onClick={() => onChange({ issuedFrom: '', issuedTo: '', dueFrom: '', dueTo: '' })}>
            {t('All dates')}
          </button>
        )}
      </div>
    </details>
  )
}

/** A year is typed digit by digit, and each of them makes a day: those of long ago are not meant. */
const isMeant = (day: string) => day === '' || day >= '1900'

function Bound({ name, value, onChange }: { name: string; value: string; onChange: (day: string) => void }) {
  const [typed, setTyped] = useState<string>()
  const type = (day: string) => {
    setTyped(isMeant(day) ? undefined : day)
    if (isMeant(day)) onChange(day)
  }
  return (
    <label>
      <span className="caption">{name}</span>
      <input className="input" type="date" value={typed ?? value} onChange={(e) => type(e.target.value)} />
    </label>
  )
}

import { useQuery } from '@tanstack/react-query'
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { listInvoices } from '../api'
import { t } from '../language/text'
import { type Entry, actionsOf, found, goals, matching, settings } from '../palette'
import { Dialog } from './dialog'

interface Props {
  onClose: () => void
  onKeys: () => void
}

/** Everything that can be found, opened or done, by typing. What the page below offers comes first. */
export default function Palette({ onClose, onKeys }: Props) {
  const [, navigate] = useLocation()
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState(0)
  const [actions] = useState(() => actionsOf(document))
  const { data, isFetching, isError } = useFound(typed)
  const list = useId()
  const box = useRef<HTMLUListElement>(null)
  const entries = [...matching(typed, [...actions, ...goals(navigate)]), ...found(data ?? [], navigate), ...matching(typed, settings(onKeys))]
  const at = Math.min(chosen, entries.length - 1)
  useEffect(() => {
    box.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }, [at])

  const run = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    requestAnimationFrame(entry.run) // when the dialog has given the focus back
  }
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) setChosen((at + step + entries.length) % entries.length)
    else if (event.key === 'Enter' && !event.nativeEvent.isComposing) run(entries[at])
    else return
    event.preventDefault()
  }
  const option = (i: number) => `${list}-${i}`
  return (
    <Dialog title={t('Search and commands')} onClose={onClose} look="palette">
      <input
        className="input"
        role="combobox"
        aria-label={t('Find an invoice, or say what to do')}
        placeholder={t('Find an invoice, or say what to do')}
        aria-expanded={entries.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        {...(entries.length > 0 && { 'aria-activedescendant': option(at) })}
        autoComplete="off"
        maxLength={200}
        value={typed}
        onChange={(e) => {
          setTyped(e.target.value)
          setChosen(0)
        }}
        onKeyDown={press}
      />
      <ul ref={box} id={list} role="listbox" aria-label={t('Results')} className="results">
        {entries.map((entry, i) => (
          <li key={entry.key} id={option(i)} role="option" aria-selected={i === at} onClick={() => run(entry)} onMouseMove={() => setChosen(i)}>
            <span>{entry.text}</span>
            <span className="muted small num">{entry.note}</span>
          </li>
        ))}
      </ul>
      <p className="muted small" role="status">
        {isError ? t('Invoices cannot be searched at the moment') : isFetching ? t('Searching…') : entries.length === 0 && t('Nothing is found for “{typed}”', { typed: typed.trim() })}
      </p>
    </Dialog>
  )
}

function useFound(typed: string) {
  const q = useDeferredValue(typed.trim())
  return useQuery({
    queryKey: ['found', q],
    queryFn: async ({ signal }) => (await listInvoices({ status: '', q }, { limit: 6, signal })).invoices,
    placeholderData: (before) => before,
    refetchInterval: false,
    retry: false,
  })
}

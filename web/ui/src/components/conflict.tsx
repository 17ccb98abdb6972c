import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { getHistory, getInvoice } from '../api'
import { cache } from '../app'
import { newerDetail } from '../cache'
import type { Outcome } from '../commands'
import { formatTime } from '../dates'
import type { Detail, HistoryEntry } from '../model'
import { announceKept, conflicts } from '../notices'
import { invoicePath } from '../paths'
import { sentence } from '../sentences'
import { useStore } from '../store'
import { findEdit, works } from '../unsaved'
import { workKey } from '../work'
import { CommandConflict } from './conflict-command'
import { EditConflict } from './conflict-edit'
import { Dialog } from './dialog'
import { t } from '../language/text'

/** Explains each change that came too late, one after another. */
export function Conflicts() {
  const conflict = useStore(conflicts)[0]
  return conflict ? <ConflictDialog key={conflict.change.id} conflict={conflict} /> : null
}

/** What a conflict needs to be decided. */
export interface Conflicting {
  conflict: Outcome
  now: Detail | undefined // undefined while it is read, or cannot be
  harmless: boolean // nothing happened that a person would decide otherwise for
  onClose: () => void // nothing is thrown away
  onDone: () => void
}

interface Meanwhile {
  now: Detail | undefined
  events: HistoryEntry[]
}

async function meanwhile({ change, version }: Outcome, signal: AbortSignal): Promise<Meanwhile> {
  const read = await getInvoice(change.invoice, signal).catch(() => undefined)
  const now = newerDetail(read, cache.known(change.invoice))
  const history = await getHistory(change.invoice, cache.position, signal)
  if (!now || now.version < version || !history.some((e) => e.version >= version)) throw new Error('the views are behind')
  return { now, events: history.filter((e) => e.version > (change.expected ?? 0)) }
}

const next = () => conflicts.update(([, ...others]) => others)

function ConflictDialog({ conflict }: { conflict: Outcome }) {
  const { change, version } = conflict
  const [path] = useLocation()
  const { data, isPending } = useQuery({
    queryKey: ['meanwhile', change.id],
    queryFn: ({ signal }) => meanwhile(conflict, signal),
    retry: 5,
    retryDelay: 400,
    refetchInterval: false,
  })
  const [edits] = useState(() => findEdit(change.invoice) !== undefined) // it stays one, when it is saved too
  const close = () => {
    next()
    const form = invoicePath(change.invoice, 'edit')
    if (edits && path !== form) announceKept(t('Your changes for {name} are kept. Go on editing', { name: change.about }), form)
    else if (works.find(workKey.paid(change.invoice))) announceKept(t('The payment of {name} is filled in when you record it again', { name: change.about }), invoicePath(change.invoice))
  }
  // The number comes by itself, a moment after the invoice was sent.
  const harmless = data?.events.length === 1 && data.events[0]?.type === 'InvoiceNumbered'
  const Decision = edits ? EditConflict : CommandConflict
  return (
    <Dialog title={t('This invoice changed in the meantime')} calm wide={edits} onClose={close}>
      <p>
        {t('You were looking at version {seen} of the invoice for {name}. It is now at version {now}, so your change was not made yet.', {
          seen: change.expected ?? 0,
          name: change.about,
          now: Math.max(version, data?.now?.version ?? 0),
        })}
      </p>
      <Since events={data?.events} loading={isPending} />
      <Decision conflict={conflict} now={data?.now} harmless={harmless} onClose={close} onDone={next} />
    </Dialog>
  )
}

function Since({ events, loading }: { events: HistoryEntry[] | undefined; loading: boolean }) {
  if (loading) return <p className="waiting">{t('Looking up what changed…')}</p>
  return (
    <div className="difference">
      <p className="label">{t('What happened meanwhile')}</p>
      {events ? (
        <ol>
          {events.map((e) => (
            <li key={e.version}>
              {sentence(e.type, e.data)}{' '}
              <span className="muted small">
                {e.actor && t('by {name}, ', { name: e.actor })}
                {formatTime(e.time)}
              </span>
            </li>
          ))}
        </ol>
      ) : (
        <p>{t('The history can’t be read at the moment')}.</p>
      )}
    </div>
  )
}

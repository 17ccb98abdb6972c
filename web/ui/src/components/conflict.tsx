import { useQuery } from '@tanstack/react-query'
import { getHistory, getInvoice } from '../api'
import { cache } from '../app'
import { newerDetail } from '../cache'
import type { Outcome } from '../commands'
import { formatTime } from '../dates'
import type { Detail, HistoryEntry } from '../model'
import { formatMoney } from '../money'
import { conflicts } from '../notices'
import { request, sentence } from '../sentences'
import { useStore } from '../store'
import { useChange } from '../use-change'
import { Dialog } from './dialog'
import { Failure } from './failure'
import { InvoiceBadge } from './status'
import { Waiting } from './waiting'

/** Explains each change that came too late, one after another. */
export function Conflicts() {
  const conflict = useStore(conflicts)[0]
  return conflict ? <ConflictDialog key={conflict.change.id} conflict={conflict} /> : null
}

const close = () => conflicts.update(([, ...others]) => others)

interface Meanwhile {
  now: Detail | undefined
  events: HistoryEntry[]
}

async function meanwhile({ change, version }: Outcome, signal: AbortSignal): Promise<Meanwhile> {
  const now = await getInvoice(change.invoice, signal).catch(() => undefined)
  const history = await getHistory(change.invoice, cache.position, signal)
  if (!history.some((e) => e.version >= version)) throw new Error('the view of the history is behind')
  const events = history.filter((e) => e.version > (change.expected ?? 0))
  return { now: newerDetail(now, cache.known(change.invoice)), events }
}

function ConflictDialog({ conflict }: { conflict: Outcome }) {
  const { change, version } = conflict
  const { data, isPending } = useQuery({
    queryKey: ['meanwhile', change.id],
    queryFn: ({ signal }) => meanwhile(conflict, signal),
    retry: 5,
    retryDelay: 400,
    refetchInterval: false,
  })
  const { submit, pending, failure } = useChange({ onAccepted: close, onConflict: close })
  const latest = Math.max(version, data?.now?.version ?? 0)
  const apply = () => {
    const { invoice, about, step, rest } = change
    submit({ invoice, about, expected: latest, steps: [step, ...rest] })
  }
  const steps = [change.step, ...change.rest]
  return (
    <Dialog title="This invoice changed in the meantime" calm onClose={close}>
      <p>
        You were looking at version {change.expected ?? 0} of the invoice for {change.about}. It is now at version {latest},
        so your change was not made yet.
      </p>
      <Since events={data?.events} loading={isPending} now={data?.now} />
      <div>
        <p className="label">Your change</p>
        <ul>
          {steps.map((step, i) => (
            <li key={i}>{request(step)}</li>
          ))}
        </ul>
      </div>
      <Failure outcome={failure} />
      <Waiting pending={pending} />
      <div className="actions end">
        <button type="button" className="button" onClick={close}>
          {pending ? 'Close' : 'Discard my change'}
        </button>
        <button type="button" className="button primary" onClick={apply} disabled={!!pending || isPending}>
          Apply to the latest version
        </button>
      </div>
    </Dialog>
  )
}

function Since({ events, loading, now }: { events: HistoryEntry[] | undefined; loading: boolean; now: Detail | undefined }) {
  if (loading) return <p className="waiting">Looking up what changed…</p>
  return (
    <div className="difference">
      <p className="label">What happened meanwhile</p>
      {events ? (
        <ol>
          {events.map((e) => (
            <li key={e.version}>
              {sentence(e.type, e.data)}{' '}
              <span className="muted small">
                {e.actor && `by ${e.actor}, `}
                {formatTime(e.time)}
              </span>
            </li>
          ))}
        </ol>
      ) : (
        <p>The history can’t be read at the moment.</p>
      )}
      {now && (
        <p className="num">
          <InvoiceBadge invoice={now.invoice} /> Total {formatMoney(now.invoice.total)}, still owed{' '}
          {formatMoney(now.invoice.balance)}
        </p>
      )}
    </div>
  )
}

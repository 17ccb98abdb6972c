import { useEffect, useRef } from 'react'
import { Link, useSearchParams } from 'wouter'
import { Problem } from '../api'
import { commands } from '../app'
import { Changes } from '../components/changes'
import { InvoiceDocument } from '../components/document'
import { Absent, InvoiceHeading } from '../components/invoice-heading'
import { Blank, Loading } from '../components/page'
import { CompareWith, PastBar } from '../components/past-bar'
import { StatusBadge } from '../components/status'
import { formatTime } from '../dates'
import type { Detail, HistoryEntry } from '../model'
import { type Chosen, chosen } from '../past'
import { historyPath } from '../paths'
import { useDiff, useHistory, useInvoice, useVersion } from '../queries'
import { sentence } from '../sentences'
import { useStore } from '../store'
import { t } from '../language/text'

export default function HistoryPage({ id }: { id: string }) {
  const { data: detail, error } = useInvoice(id)
  const pending = useStore(commands.pending).find((p) => p.invoice === id)
  const [params] = useSearchParams()
  if (!detail) return <Absent error={error} pending={pending} />
  const choice = chosen(params, detail.version)
  return (
    <>
      <InvoiceHeading detail={detail} pending={pending} tab="history" />
      <div className="columns history-columns">
        <Events id={id} version={choice.version} latest={detail.version} />
        <div className="side">
          <PastBar id={id} chosen={choice} latest={detail.version} />
          <Moment detail={detail} choice={choice} />
        </div>
      </div>
    </>
  )
}

function Events({ id, version, latest }: { id: string; version: number; latest: number }) {
  const { data: events, error } = useHistory(id)
  if (events) {
    return (
      <ol className="card history">
        {events.map((event) => (
          <Entry key={event.version} event={event} current={event.version === version} href={historyPath(id, event.version === latest ? undefined : event.version)} />
        ))}
      </ol>
    )
  }
  return error ? <Blank title={t('The history can’t be read at the moment')} /> : <Loading />
}

const looks: Record<string, string> = { PaymentReceived: 'good', InvoicePaid: 'good', InvoiceDeleted: 'bad', InvoiceVoided: 'bad', PaymentReversed: 'bad', InvoiceWrittenOff: 'bad' }

function Entry({ event, current, href }: { event: HistoryEntry; current: boolean; href: string }) {
  const ref = useRef<HTMLLIElement>(null)
  useEffect(() => {
    const entry = ref.current
    const list = entry?.parentElement
    if (current && entry && list) list.scrollTop = entry.offsetTop - list.clientHeight / 3 // the page itself stays where it is
  }, [current])
  return (
    <li ref={ref} data-current={current}>
      <span className={`step num ${looks[event.type] ?? ''}`} title={t('Version {n}', { n: event.version })}>
        {event.version}
      </span>
      <div>
        <p>
          <Link href={href} aria-current={current ? 'step' : undefined}>
            {sentence(event.type, event.data)}
          </Link>
        </p>
        <p className="muted small">
          <time dateTime={event.time}>{formatTime(event.time)}</time>
          {event.actor && ` · ${event.actor}`}
        </p>
        <details>
          <summary>{t('{type} as stored', { type: event.type })}</summary>
          <pre>{JSON.stringify(event, null, 2)}</pre>
        </details>
      </div>
    </li>
  )
}

/** The invoice as it was at a version, with what is different marked. What it is now is known already. */
function Moment({ detail, choice }: { detail: Detail; choice: Chosen }) {
  const { id, version: latest } = detail
  const { data = detail, error, isPlaceholderData, isPending, isEnabled } = useVersion(id, choice.version, choice.past)
  const changes = useDiff(id, choice.from, choice.version)
  if (error && choice.past) return <Blank title={isMissing(error) ? t('There is no version {n} yet', { n: choice.version }) : t('The invoice can’t be read at the moment')} />
  const reading = isEnabled && (isPlaceholderData || isPending)
  const { invoice } = choice.past ? data : detail
  return (
    <div className="moment" aria-busy={reading}>
      <p className="moment-head">
        <StatusBadge status={invoice.status} overdue={!choice.past && detail.overdue} />
        <CompareWith id={id} chosen={choice} latest={latest} />
      </p>
      <InvoiceDocument id={id} invoice={invoice} marks={new Set(changes.data?.map((c) => c.path))} />
      <Changes from={choice.from} to={choice.version} invoice={invoice} changes={changes} />
    </div>
  )
}

const isMissing = (error: Error) => error instanceof Problem && error.body.status === 404

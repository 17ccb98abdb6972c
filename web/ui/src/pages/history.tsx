import { commands } from '../app'
import { Absent, InvoiceHeading } from '../components/invoice-heading'
import { Blank, Loading } from '../components/page'
import { formatTime } from '../dates'
import type { HistoryEntry } from '../model'
import { useHistory, useInvoice } from '../queries'
import { sentence } from '../sentences'
import { useStore } from '../store'
import { t } from '../language/text'

export default function HistoryPage({ id }: { id: string }) {
  const { data: detail, error } = useInvoice(id)
  const { data: events, error: unread } = useHistory(id)
  const pending = useStore(commands.pending).find((p) => p.invoice === id)
  if (!detail) return <Absent error={error} pending={pending} />
  return (
    <>
      <InvoiceHeading detail={detail} pending={pending} tab="history" />
      <div className="narrow">
        {events ? (
          <ol className="card history">
            {events.map((event) => (
              <Entry key={event.version} event={event} />
            ))}
          </ol>
        ) : unread ? (
          <Blank title={t('The history can’t be read at the moment')} />
        ) : (
          <Loading />
        )}
      </div>
    </>
  )
}

const looks: Record<string, string> = { PaymentReceived: 'good', InvoicePaid: 'good', InvoiceDeleted: 'bad', InvoiceVoided: 'bad', PaymentReversed: 'bad', InvoiceWrittenOff: 'bad' }

function Entry({ event }: { event: HistoryEntry }) {
  return (
    <li>
      <span className={`step num ${looks[event.type] ?? ''}`} title={t('Version {n}', { n: event.version })}>
        {event.version}
      </span>
      <div>
        <p>{sentence(event.type, event.data)}</p>
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

import { Link, useLocation } from 'wouter'
import { commands, databaseDown, outdated } from '../app'
import { invoicePath } from '../paths'
import { type Pending, waitOf } from '../pending'
import { request } from '../sentences'
import { useStore } from '../store'
import { useNow } from '../use-change'
import { ClockIcon, WarnIcon } from './icons'
import { LoginBanner } from './person'
import { StalledBanner } from './stalled'
import { waitText } from './waiting'
import { t } from '../language/text'

/** What does not work at the moment, and what goes on nevertheless. */
export function Banners() {
  const pending = useStore(commands.pending)
  const noDatabase = useStore(databaseDown)
  const noKafka = pending.some((p) => p.trouble === 'kafka_unavailable')
  return (
    <div className="banners">
      {noDatabase && (
        <div className="banner" role="status">
          <WarnIcon />
          <p>
            <strong>{t('The list can’t be read at the moment, commands still work.')}</strong>{' '}
            {t('You see what was read before; it is read again every few seconds.')}
          </p>
        </div>
      )}
      {noKafka && (
        <div className="banner bad" role="status">
          <WarnIcon />
          <p>
            <strong>{t('Changes can’t be stored at the moment: Kafka cannot be reached.')}</strong>{' '}
            {t('Keep this tab open; it tries again by itself.')}
          </p>
        </div>
      )}
      <LoginBanner />
      <StalledBanner />
      <OutdatedBanner />
      <SlowChanges pending={pending} />
    </div>
  )
}

/** That the server was upgraded since this page was loaded. */
function OutdatedBanner() {
  if (!useStore(outdated)) return null
  return (
    <div className="banner calm" role="status">
      <WarnIcon />
      <p>
        <strong>{t('The server is newer than this page.')}</strong> {t('Some of what it says is not shown. What you typed is kept:')}{' '}
        <button type="button" className="link" onClick={() => location.reload()}>
          {t('load the new page')}
        </button>
        .
      </p>
    </div>
  )
}

/** Changes that take longer than a person expects. */
function SlowChanges({ pending }: { pending: readonly Pending[] }) {
  const now = useNow(pending.length > 0)
  const [path] = useLocation()
  const slow = pending.filter((p) => waitOf(p, now) !== 'saving')
  if (slow.length === 0) return null
  return (
    <div className="banner calm" role="status">
      <ClockIcon />
      <ul>
        {slow.map((p) => (
          <li key={p.batch}>
            <strong>{request(p.step)}</strong>{' '}
            {path !== invoicePath(p.invoice) && <Link href={invoicePath(p.invoice)}>({p.about})</Link>}{' '}
            {waitText(waitOf(p, now), p.trouble)}
          </li>
        ))}
      </ul>
    </div>
  )
}

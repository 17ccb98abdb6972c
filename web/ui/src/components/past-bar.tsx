import { Link, useLocation } from 'wouter'
import type { Chosen } from '../past'
import { historyPath } from '../paths'
import { t } from '../language/text'

interface Props {
  id: string
  chosen: Chosen
  latest: number
}

/** Which version is seen, and the ways to others. In the past it says so, and leads back. */
export function PastBar({ id, chosen: { version, past }, latest }: Props) {
  return (
    <div className="card past" data-past={past}>
      <div role="status">
        <p>{past ? t('You see version {n} of {all}', { n: version, all: latest }) : t('Version {n} of {all}, as it is now', { n: version, all: latest })}</p>
        {past && <p className="small">{t('Nothing can be changed in the past.')}</p>}
      </div>
      <div className="actions">
        {past && (
          <Link className="button primary" href={historyPath(id)}>
            {t('Back to now')}
          </Link>
        )}
        <Step id={id} to={Math.min(version, latest + 1) - 1} latest={latest} shortcut="ArrowLeft" text={t('Earlier')} />
        <Step id={id} to={version + 1} latest={latest} shortcut="ArrowRight" text={t('Later')} />
      </div>
    </div>
  )
}

interface StepProps {
  id: string
  to: number
  latest: number
  shortcut: string
  text: string
}

/** It stays where the focus is also at the end, where it does nothing. */
function Step({ id, to, latest, shortcut, text }: StepProps) {
  const [, navigate] = useLocation()
  const ends = to < 1 || to > latest
  const go = () => {
    if (!ends) navigate(historyPath(id, to === latest ? undefined : to), { replace: true })
  }
  return (
    <button type="button" className="button" data-key={shortcut} aria-keyshortcuts={shortcut} aria-disabled={ends} onClick={go}>
      {text}
    </button>
  )
}

/** The other versions, to compare with. */
export function CompareWith({ id, chosen: { version, from, past }, latest }: Props) {
  const [, navigate] = useLocation()
  const others = Array.from({ length: latest }, (_, i) => i + 1).filter((n) => n !== version)
  if (others.length === 0 || version > latest) return null
  const compare = (value: string) => navigate(historyPath(id, past ? version : undefined, Number(value)), { replace: true })
  return (
    <label className="compare-with">
      {t('Compare with')}
      <select value={from || ''} onChange={(e) => compare(e.target.value)}>
        {from < 1 && <option value="">–</option>}
        {others.map((n) => (
          <option key={n} value={n}>
            {n === version - 1 ? t('Version {n}, the one before', { n }) : t('Version {n}', { n })}
          </option>
        ))}
      </select>
    </label>
  )
}

import { useQuery } from '@tanstack/react-query'
import { locale } from '../language/language'
import { WarnIcon } from './icons'
import { t } from '../language/text'

/** GET /api/handling: whether commands are being handled. */
export interface Handling {
  state: 'ok' | 'stalled' | 'unknown'
  partitions: { partition: number; offset: number; waiting: number; since: string }[]
}

/** Since when what waits is not handled, undefined when nothing does. */
export function stalledSince(h: Handling | undefined): Date | undefined {
  if (h?.state !== 'stalled' || h.partitions.length === 0) return undefined
  return new Date(Math.min(...h.partitions.map((p) => Date.parse(p.since))))
}

const lookEvery = 10_000

async function readHandling({ signal }: { signal: AbortSignal }): Promise<Handling> {
  const response = await fetch('/api/handling', { signal })
  if (!response.ok) throw new Error(`The server answered ${response.status}.`)
  return (await response.json()) as Handling
}

/** That changes are stored, and nobody handles them: they are not lost, and not done. */
export function StalledBanner() {
  const { data } = useQuery({ queryKey: ['handling'], queryFn: readHandling, refetchInterval: lookEvery, retry: false })
  const since = stalledSince(data)
  if (since === undefined) return null
  return (
    <div className="banner bad" role="status">
      <WarnIcon />
      <p>
        <strong>{t('Changes to some invoices are not being handled since {time}.', { time: since.toLocaleTimeString(locale) })}</strong>{' '}
        {t('They are stored, and will be done when the service works again; the people who run it have to look.')}
      </p>
    </div>
  )
}

import type { Pending, Wait } from '../pending'
import { useWait } from '../use-change'
import { t } from '../language/text'

export function waitText(wait: Wait, trouble: string | undefined): string {
  switch (wait) {
    case 'saving':
      return t('Saving…')
    case 'stored':
      return t('Accepted by Kafka, waiting for the handler…')
    case 'parked':
      return t('The command is safely stored and will be handled as soon as the handler is back; you can leave this page.')
    case 'unsent':
      return trouble === 'kafka_unavailable'
        ? t('Not stored yet: Kafka cannot be reached. This tab keeps the change and tries again by itself.')
        : t('Not stored yet: the server does not answer. This tab keeps the change and sends it again by itself.')
  }
}

/** Says how far a change is, as long as it has no result. */
export function Waiting({ pending, short }: { pending: Pending | undefined; short?: boolean }) {
  const wait = useWait(pending)
  if (!wait) return null
  const text = short && wait !== 'saving' ? t('Waiting for the result') : waitText(wait, pending?.trouble)
  return (
    <span className="waiting" role="status">
      {text}
    </span>
  )
}

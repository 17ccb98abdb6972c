import { useState } from 'react'
import { formatTime } from '../dates'
import { DiscardDialog } from './discard'
import { t } from '../language/text'

/** Says that a form holds what was typed before, and lets a person begin anew. */
export function Restored({ at, onDiscard }: { at: number; onDiscard: () => void }) {
  const [asking, setAsking] = useState(false)
  return (
    <div className="banner calm moved" role="status">
      <p>
        <strong>{t('What you typed before was restored.')}</strong>{' '}
        {t('It was last changed {time} and has not been saved.', { time: formatTime(new Date(at).toISOString()) })}{' '}
        <button type="button" className="link" onClick={() => setAsking(true)}>
          {t('Discard it and start anew')}
        </button>
      </p>
      {asking && <DiscardDialog onClose={() => setAsking(false)} onDiscard={onDiscard} />}
    </div>
  )
}

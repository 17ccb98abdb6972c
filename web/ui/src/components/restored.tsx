import { useState } from 'react'
import { formatTime } from '../dates'
import { DiscardDialog } from './discard'

/** Says that a form holds what was typed before, and lets a person begin anew. */
export function Restored({ at, onDiscard }: { at: number; onDiscard: () => void }) {
  const [asking, setAsking] = useState(false)
  return (
    <div className="banner calm moved" role="status">
      <p>
        <strong>What you typed before was restored.</strong> It was last changed {formatTime(new Date(at).toISOString())} and has
        not been saved.{' '}
        <button type="button" className="link" onClick={() => setAsking(true)}>
          Discard it and start anew
        </button>
      </p>
      {asking && <DiscardDialog onClose={() => setAsking(false)} onDiscard={onDiscard} />}
    </div>
  )
}

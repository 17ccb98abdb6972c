import type { Outcome } from '../commands'
import { asSentence, titleOf } from '../problems'
import { WarnIcon } from './icons'

/** Why a change was not accepted, next to the form that asked for it. The message may already stand at a field. */
export function Failure({ outcome, atField }: { outcome: Outcome | undefined; atField?: boolean }) {
  if (!outcome) return null
  const { change, code, message } = outcome
  return (
    <div className="banner bad" role="alert">
      <WarnIcon />
      <p>
        <strong>{titleOf(code)}.</strong> {!atField && asSentence(message)}
        {change.done > 0 && ` What came before it was saved: ${change.done} of ${change.done + 1 + change.rest.length} changes.`}
      </p>
    </div>
  )
}

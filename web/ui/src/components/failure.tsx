import type { Outcome } from '../commands'
import type { Step } from '../pending'
import { explain, titleOf } from '../problems'
import { request } from '../sentences'
import { WarnIcon } from './icons'
import { t } from '../language/text'

/** Why a change was not accepted, next to the form that asked for it. The message may already stand at a field. */
export function Failure({ outcome, atField }: { outcome: Outcome | undefined; atField?: boolean }) {
  if (!outcome) return null
  const { change, code, message } = outcome
  return (
    <div className="banner bad" role="alert">
      <WarnIcon />
      <div>
        <p>
          <strong>{titleOf(code)}.</strong> {!atField && explain(code, message)}
        </p>
        {change.made && (
          <>
            <Steps title={t('This was saved:')} steps={change.made} />
            <Steps title={t('This was not saved, and is kept here:')} steps={[change.step, ...change.rest]} />
          </>
        )}
      </div>
    </div>
  )
}

function Steps({ title, steps }: { title: string; steps: Step[] }) {
  return (
    <>
      <p>{title}</p>
      <ul>
        {steps.map((step, i) => (
          <li key={i}>{request(step)}</li>
        ))}
      </ul>
    </>
  )
}

import { Link } from 'wouter'
import { announcement } from '../app'
import { dismiss, toasts } from '../notices'
import { useStore } from '../store'
import { CloseIcon } from './icons'
import { t } from '../language/text'

/** Results of changes whose form is gone, or that need no form. Failures stay until they are dismissed. */
export function Toasts() {
  const all = useStore(toasts)
  return (
    <section className="toasts" aria-label={t('Messages')} aria-live="polite">
      {all.map(({ key, kind, title, text, path }) => (
        <div key={key} className={`toast ${kind}`}>
          <div>
            <strong>{title}</strong> <Link href={path}>{text}</Link>
          </div>
          <button type="button" className="icon" aria-label={t('Dismiss')} onClick={() => dismiss(key)}>
            <CloseIcon />
          </button>
        </div>
      ))}
    </section>
  )
}

/** Tells screen readers what others see from a coloured dot. */
export function Announcer() {
  return (
    <p className="hidden" role="status">
      {useStore(announcement)}
    </p>
  )
}

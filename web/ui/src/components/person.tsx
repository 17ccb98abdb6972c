import { useLocation, useSearch } from 'wouter'
import { me } from '../app'
import { t } from '../language/text'
import { useStore } from '../store'
import { PersonIcon, WarnIcon } from './icons'

// Links that the browser follows: these pages are the server's own, which work without this program.

/** Leads back to where the person is. */
function useLogin(): string {
  useLocation() // drawn anew with each page, and each of its filters
  useSearch()
  return `/login?${new URLSearchParams({ to: location.pathname + location.search })}`
}

/** Who is logged in, and the way to their sessions; or the way in. Nothing where nobody can log in. */
export function PersonLink() {
  const { login, known, name = '' } = useStore(me)
  const way = useLogin()
  if (!login) return null
  const text = known ? name : t('Log in')
  return (
    <a className="person" href={known ? '/account' : way} title={known ? t('Your account: {name}', { name }) : text}>
      <PersonIcon />
      <span>{text}</span>
    </a>
  )
}

/** That the session has ended while the page was open. */
export function LoginBanner() {
  const { login, known, role } = useStore(me)
  const way = useLogin()
  if (!login || known || role !== 'nobody') return null
  return (
    <div className="banner bad" role="status">
      <WarnIcon />
      <p>
        <strong>{t('You are not logged in any more.')}</strong> {t('What you typed is kept in this browser.')} <a href={way}>{t('Log in')}</a>
      </p>
    </div>
  )
}

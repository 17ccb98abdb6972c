import { type ReactNode, Suspense, lazy, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { connection } from '../app'
import { type Language, chooseLanguage, language, languages } from '../language/language'
import { t } from '../language/text'
import type { Connection } from '../live'
import { listPath, newPath } from '../paths'
import { useStore } from '../store'
import { Banners } from './banners'
import { Conflicts } from './conflict'
import { InvoicesIcon, KeyboardIcon, Mark, PlusIcon, SearchIcon } from './icons'
import { PersonLink } from './person'
import { Shortcuts, useShortcuts } from './shortcuts'
import { ThemeButton } from './theme'
import { Announcer, Toasts } from './toasts'

export const loadPalette = () => import('./palette')
const Palette = lazy(loadPalette)

const connections: Record<Connection, [string, string]> = {
  connecting: [t('Connecting…'), t('Changes of others appear as soon as this says Live')],
  open: [t('Live'), t('Changes appear by themselves')],
  quiet: [t('No answer'), t('The server has been silent for a while: what you see may be old')],
  reconnecting: [t('Reconnecting…'), t('Changes of others do not appear at the moment: what you see may be old')],
  offline: [t('Offline'), t('This device has no network: what you see may be old')],
}

type Opened = 'keys' | 'palette'

export function Shell({ children }: { children: ReactNode }) {
  const [opened, setOpened] = useState<Opened>()
  useShortcuts(opened !== undefined, setOpened)
  const close = () => setOpened(undefined)
  return (
    <>
      <a className="skip" href="#main">
        {t('Skip to the content')}
      </a>
      <header className="top">
        <Bar onOpen={setOpened} />
      </header>
      <Banners />
      <main id="main" className="page">
        {children}
      </main>
      <Toasts />
      <Announcer />
      <Conflicts />
      {opened === 'keys' && <Shortcuts onClose={close} />}
      <Suspense>{opened === 'palette' && <Palette onClose={close} onKeys={() => setOpened('keys')} />}</Suspense>
    </>
  )
}

/** The sidebar of a wide screen, the bar of a narrow one. */
function Bar({ onOpen }: { onOpen: (what: Opened) => void }) {
  const state = useStore(connection)
  const [name, meaning] = connections[state]
  const [path] = useLocation()
  return (
    <div className="bar">
      <Link className="brand" href={listPath()}>
        <Mark />
        <span>Eventim</span>
      </Link>
      <Link className="button primary new" href={newPath} aria-label={t('New invoice')}>
        <PlusIcon />
        <span className="wide-only">{t('New invoice')}</span>
      </Link>
      <button type="button" className="button find" aria-label={t('Search and commands')} aria-keyshortcuts="Control+K" onClick={() => onOpen('palette')}>
        <SearchIcon />
        <span className="side-only">{t('Commands')}</span>
      </button>
      <nav className="pages wide-only" aria-label={t('Pages')}>
        <Link href={listPath()} aria-current={path === listPath() ? 'page' : undefined}>
          <InvoicesIcon />
          {t('Invoices')}
        </Link>
      </nav>
      <span className="connection" data-state={state} title={meaning}>
        <span>{name}</span>
      </span>
      <PersonLink />
      <div className="tools">
        <LanguageSelect />
        <button type="button" className="icon wide-only" aria-label={t('Keyboard shortcuts')} onClick={() => onOpen('keys')}>
          <KeyboardIcon />
        </button>
        <ThemeButton />
      </div>
    </div>
  )
}

function LanguageSelect() {
  return (
    <select className="input language wide-only" aria-label={t('Language')} value={language} onChange={(e) => chooseLanguage(e.target.value as Language)}>
      {Object.entries(languages).map(([code, name]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  )
}

import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { connection } from '../app'
import type { Connection } from '../live'
import { useStore } from '../store'
import { Banners } from './banners'
import { Conflicts } from './conflict'
import { KeyboardIcon, Mark, PlusIcon } from './icons'
import { Shortcuts, useShortcuts } from './shortcuts'
import { ThemeButton } from './theme'
import { Announcer, Toasts } from './toasts'

const connections: Record<Connection, [string, string]> = {
  connecting: ['Connecting…', 'Changes of others appear as soon as this says Live'],
  open: ['Live', 'Changes appear by themselves'],
  quiet: ['No answer', 'The server has been silent for a while: what you see may be old'],
  reconnecting: ['Reconnecting…', 'Changes of others do not appear at the moment: what you see may be old'],
  offline: ['Offline', 'This device has no network: what you see may be old'],
}

export function Shell({ children }: { children: ReactNode }) {
  const state = useStore(connection)
  const [name, meaning] = connections[state]
  const [keys, setKeys] = useState(false)
  useShortcuts(() => setKeys(true))
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <div className="bar">
          <Link className="brand" href="/">
            <Mark />
            <span>Invoices</span>
          </Link>
          <span className="connection" data-state={state} title={meaning}>
            <span>{name}</span>
          </span>
          <button type="button" className="icon wide-only" aria-label="Keyboard shortcuts" onClick={() => setKeys(true)}>
            <KeyboardIcon />
          </button>
          <ThemeButton />
          <Link className="button primary" href="/new" aria-label="New invoice">
            <PlusIcon />
            <span className="wide-only">New invoice</span>
          </Link>
        </div>
      </header>
      <Banners />
      <main id="main" className="page">
        {children}
      </main>
      <Toasts />
      <Announcer />
      <Conflicts />
      {keys && <Shortcuts onClose={() => setKeys(false)} />}
    </>
  )
}

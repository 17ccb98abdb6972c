import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { connection } from '../app'
import { useStore } from '../store'
import { Banners } from './banners'
import { Conflicts } from './conflict'
import { KeyboardIcon, Mark, PlusIcon } from './icons'
import { Shortcuts, useShortcuts } from './shortcuts'
import { ThemeButton } from './theme'
import { Announcer, Toasts } from './toasts'

const connectionText = { connecting: 'Connecting…', open: 'Live', reconnecting: 'Reconnecting…' }

export function Shell({ children }: { children: ReactNode }) {
  const state = useStore(connection)
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
          <span className="connection" data-state={state} title="Changes appear by themselves while this says Live">
            <span>{connectionText[state]}</span>
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

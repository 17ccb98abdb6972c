import { type ReactNode, useEffect, useRef } from 'react'
import { Link } from 'wouter'
import { BackIcon } from './icons'
import { t } from '../language/text'

let arrived = false // the first page of a load leaves the focus where the browser put it

/** The heading of a page. It names the tab, and takes the focus so that a screen reader says where the person is now. */
export function Heading({ title, tab = `${title} · ${t('Invoices')}`, children }: { title: string; tab?: string; children?: ReactNode }) {
  const ref = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (arrived) ref.current?.focus({ preventScroll: true })
    arrived = true
  }, [])
  useEffect(() => {
    document.title = tab
  }, [tab])
  return (
    <div className="heading">
      <h1 ref={ref} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </div>
  )
}

export function Back({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link className="back" href={to}>
      <BackIcon />
      {children}
    </Link>
  )
}

/** In the place of what is still being read; it says so to whoever cannot see it, too. */
export function Loading() {
  return (
    <div className="card blank" aria-busy="true">
      <h2>{t('Loading…')}</h2>
    </div>
  )
}

/** A page without content: nothing yet, not found, not readable. */
export function Blank({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="card blank">
      <h2>{title}</h2>
      {children}
    </div>
  )
}

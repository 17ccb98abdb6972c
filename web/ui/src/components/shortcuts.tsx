import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { listPath, newPath } from '../paths'
import { Dialog } from './dialog'
import { t } from '../language/text'

const storageKey = 'shortcuts'

function enabled(): boolean {
  try {
    return localStorage.getItem(storageKey) !== 'off'
  } catch {
    return true
  }
}

const editable = 'input, textarea, select, [contenteditable]'

/** Single keys work outside of inputs and dialogs, and can be switched off for people who dictate (WCAG 2.1.4). */
export function useShortcuts(busy: boolean, onOpen: (what: 'keys' | 'palette') => void): void {
  const [, navigate] = useLocation()
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (busy || document.querySelector('dialog[open]')) return // also while one is on its way
      if (isCommand(event)) {
        event.preventDefault()
        return onOpen('palette')
      }
      if (event.ctrlKey || event.metaKey || event.altKey || !enabled() || (event.target as Element).closest(editable)) return
      if (event.key === '?') onOpen('keys')
      else if (event.key === 'n') navigate(newPath)
      else if (event.key === 'l') navigate(listPath())
      else if (!activate(event.key)) return
      event.preventDefault()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [navigate, busy, onOpen])
}

/** Ctrl K, or Cmd K on a Mac; also out of a field. */
const isCommand = (event: KeyboardEvent) => (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k'

/** Elements of the current page offer a key by data-key: inputs take the focus, everything else is pressed. */
function activate(key: string): boolean {
  const target = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]:not(:disabled)`)
  if (target instanceof HTMLInputElement) target.focus()
  else target?.click()
  return target !== null
}

const keys: [string, string][] = [
  ['n', t('New invoice')],
  ['l', t('List of invoices')],
  ['/', t('Search the list')],
  ['Ctrl K', t('Find, go, or do something')],
  ['↑ ↓', t('Move in the list, or between lines of an invoice')],
  ['e', t('Edit the draft')],
  ['s', t('Mark the invoice as sent')],
  ['p', t('Record a payment')],
  ['c', t('Duplicate the invoice')],
  ['v', t('Void the invoice')],
  ['w', t('Write off what is left')],
  ['h', t('History of the invoice')],
  ['← →', t('An earlier or later version, in the history')],
  ['Enter', t('In a line: go to the next line, or add one')],
  ['Ctrl Enter', t('Save the invoice')],
  ['?', t('This help')],
]

export function Shortcuts({ onClose }: { onClose: () => void }) {
  const [on, setOn] = useState(enabled)
  const change = (value: boolean) => {
    setOn(value)
    try {
      localStorage.setItem(storageKey, value ? 'on' : 'off')
    } catch {
      // Storage is forbidden: single keys stay on.
    }
  }
  return (
    <Dialog title={t('Keyboard')} onClose={onClose}>
      <dl className="keys">
        {keys.map(([key, text]) => (
          <Entry key={key} keys={key} text={text} />
        ))}
      </dl>
      <label className="check">
        <input type="checkbox" checked={on} onChange={(e) => change(e.target.checked)} />
        {t('Use single-key shortcuts')}
      </label>
      <div className="actions end">
        <button type="button" className="button" data-first onClick={onClose}>
          {t('Close')}
        </button>
      </div>
    </Dialog>
  )
}

function Entry({ keys, text }: { keys: string; text: string }) {
  return (
    <>
      <dt>
        {keys.split(' ').map((k) => (
          <kbd key={k}>{k}</kbd>
        ))}
      </dt>
      <dd>{text}</dd>
    </>
  )
}

import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { Dialog } from './dialog'

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
export function useShortcuts(onHelp: () => void): void {
  const [, navigate] = useLocation()
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !enabled()) return
      if (document.querySelector('dialog[open]') || (event.target as Element).closest(editable)) return
      if (event.key === '?') onHelp()
      else if (event.key === 'n') navigate('/new')
      else if (event.key === 'l') navigate('/')
      else if (!activate(event.key)) return
      event.preventDefault()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [navigate, onHelp])
}

/** Elements of the current page offer a key by data-key: inputs take the focus, everything else is pressed. */
function activate(key: string): boolean {
  const target = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]:not(:disabled)`)
  if (target instanceof HTMLInputElement) target.focus()
  else target?.click()
  return target !== null
}

const keys: [string, string][] = [
  ['n', 'New invoice'],
  ['l', 'List of invoices'],
  ['/', 'Search the list'],
  ['↑ ↓', 'Move in the list, or between lines of an invoice'],
  ['e', 'Edit the draft'],
  ['s', 'Mark the invoice as sent'],
  ['p', 'Record a payment'],
  ['v', 'Void the invoice'],
  ['w', 'Write off what is left'],
  ['h', 'History of the invoice'],
  ['Enter', 'In a line: go to the next line, or add one'],
  ['Ctrl Enter', 'Save the invoice'],
  ['?', 'This help'],
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
    <Dialog title="Keyboard" onClose={onClose}>
      <dl className="keys">
        {keys.map(([key, text]) => (
          <Entry key={key} keys={key} text={text} />
        ))}
      </dl>
      <label className="check">
        <input type="checkbox" checked={on} onChange={(e) => change(e.target.checked)} />
        Use single-key shortcuts
      </label>
      <div className="actions end">
        <button type="button" className="button" data-first onClick={onClose}>
          Close
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

import { type ReactNode, useEffect, useId, useRef } from 'react'

interface Props {
  title: string
  calm?: boolean // starts at the title instead of the first field: it opens without having been asked for
  wide?: boolean
  look?: string
  onClose: () => void
  children: ReactNode
}

/** A modal dialog of the platform: it holds the focus, makes the rest inert, closes on Escape, and gives the focus back. */
export function Dialog({ title, calm, wide, look, onClose, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const dialog = ref.current
    const opener = document.activeElement
    dialog?.showModal()
    // showModal would take the title, which a page can focus but a person cannot.
    const first = calm ? undefined : dialog?.querySelector<HTMLElement>('input, select, textarea, [data-first]')
    ;(first ?? dialog?.querySelector('h2'))?.focus()
    if (first instanceof HTMLInputElement && first.type !== 'checkbox') first.select()
    return () => {
      dialog?.close()
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [calm])
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      className={wide ? 'wide' : look}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <div className="sheet">
        <h2 id={id} tabIndex={-1}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}

import { Dialog } from './dialog'

/** Asks before what was typed is thrown away. */
export function DiscardDialog({ onClose, onDiscard }: { onClose: () => void; onDiscard: () => void }) {
  return (
    <Dialog title="Discard what you typed?" onClose={onClose}>
      <p>It has not been saved, and cannot be brought back.</p>
      <div className="actions end">
        <button type="button" className="button" data-first onClick={onClose}>
          Keep it
        </button>
        <button type="button" className="button primary danger" onClick={onDiscard}>
          Discard
        </button>
      </div>
    </Dialog>
  )
}

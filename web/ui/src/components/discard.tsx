import { Dialog } from './dialog'
import { t } from '../language/text'

/** Asks before what was typed is thrown away. */
export function DiscardDialog({ onClose, onDiscard }: { onClose: () => void; onDiscard: () => void }) {
  return (
    <Dialog title={t('Discard what you typed?')} onClose={onClose}>
      <p>{t('It has not been saved, and cannot be brought back.')}</p>
      <div className="actions end">
        <button type="button" className="button" data-first onClick={onClose}>
          {t('Keep it')}
        </button>
        <button type="button" className="button primary danger" onClick={onDiscard}>
          {t('Discard')}
        </button>
      </div>
    </Dialog>
  )
}

import { useEffect, useEffectEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { cache, commands } from '../app'
import { newerDetail } from '../cache'
import type { Outcome } from '../commands'
import { Editor } from '../components/editor'
import { Absent } from '../components/invoice-heading'
import { Back, Blank, Heading } from '../components/page'
import { Restored } from '../components/restored'
import { type Draft, draftOf, revision } from '../edit'
import { withLine } from '../editing'
import { type Detail, can } from '../model'
import { invoicePath } from '../paths'
import { useInvoice } from '../queries'
import { useStore } from '../store'
import { type EditWork, findEdit, works } from '../unsaved'
import { useChange } from '../use-change'
import { type Work, workKey } from '../work'
import { t } from '../language/text'

export default function EditPage({ id }: { id: string }) {
  const { data, error } = useInvoice(id)
  const pending = useStore(commands.pending).find((p) => p.invoice === id)
  const replaced = useStore(works.replaced)
  return data ? <EditForm key={replaced} latest={data} /> : <Absent error={error} pending={pending} />
}

/** What the form begins with: unsaved work, on top of the version that it was typed on, or the invoice as it is. */
function beginning(latest: Detail): { seen: Detail; initial: Draft; work: Work<EditWork> | undefined } {
  const work = findEdit(latest.id)
  if (!work) return { seen: latest, initial: withLine(draftOf(latest.invoice)), work }
  const { draft, base } = work.typed
  return { seen: { ...latest, version: work.version, invoice: base }, initial: withLine(draft), work }
}

/** What this form has saved before one of its commands was rejected is no longer to be changed. */
function ownProgress(seen: Detail, failure: Outcome | undefined): Detail {
  const known = failure?.change.made ? cache.known(seen.id) : undefined
  return known?.version === failure?.change.expected ? (newerDetail(seen, known) ?? seen) : seen
}

function EditForm({ latest }: { latest: Detail }) {
  const [, navigate] = useLocation()
  const [{ seen, initial, work }] = useState(() => beginning(latest)) // others may move the invoice on meanwhile
  const id = seen.id
  const page = invoicePath(id)
  const key = workKey.edited(id)
  const leave = () => (findEdit(id) ? works.replaced.update((n) => n + 1) : navigate(page, { replace: true }))
  const { submit, pending: own, failure } = useChange({ onAccepted: leave })
  const resumed = useResumed(work?.batch, leave)
  const pending = own ?? resumed
  const current = ownProgress(seen, failure)

  const keep = (draft: Draft, batch = pending?.batch) =>
    works.keep<EditWork>(key, { typed: { draft, base: current.invoice }, version: current.version, batch })
  const save = (draft: Draft) => {
    const { version, invoice } = current
    const step = revision(invoice, draft)
    if (!step) return discard()
    keep(draft, submit({ invoice: id, about: invoice.customer.name, expected: version, seen: invoice, steps: [step] }))
  }
  const discard = () => {
    works.drop(key)
    navigate(page, { replace: true })
  }
  const closed = !can.edit(latest.invoice) && !pending
  if (closed && !findEdit(id)) return <NotEditable latest={latest} />
  return (
    <>
      <Back to={page}>{t('Back to the invoice')}</Back>
      <Heading title={t('Edit the draft for {name}', { name: seen.invoice.customer.name })} />
      {work && !pending && <Restored at={work.at} onDiscard={() => works.replace(key, undefined)} />}
      {closed && <Closed />}
      {!closed && latest.version > current.version && !pending && <Moved from={current.version} to={latest.version} />}
      <Editor
        initial={initial}
        isNew={false}
        restored={work !== undefined}
        pending={pending}
        failure={failure}
        onType={(draft) => keep(draft)}
        onSubmit={save}
        onDiscard={discard}
        away={page}
      />
    </>
  )
}

/** The change that an earlier load of the page, or of this form, submitted; tells when it has ended. */
function useResumed(batch: string | undefined, onEnd: () => void) {
  const pending = useStore(commands.pending).find((p) => p.batch === batch)
  const [wasPending] = useState(pending !== undefined)
  const ended = wasPending && !pending
  const end = useEffectEvent(onEnd)
  useEffect(() => {
    if (ended) end()
  }, [ended])
  return pending
}

function Closed() {
  return (
    <div className="banner moved bad" role="alert">
      <p>
        <strong>{t('This invoice is not a draft any more, so it can no longer be edited.')}</strong> {t('What you typed is kept here until you discard it.')}
      </p>
    </div>
  )
}

function Moved({ from, to }: { from: number; to: number }) {
  return (
    <div className="banner moved" role="status">
      <p>
        <strong>{t('Somebody changed this invoice while you were editing.')}</strong>{' '}
        {t('It is now at version {to}, you edit version {from}. You can go on: when you save, you see what they changed and choose.', { to, from })}
      </p>
    </div>
  )
}

function NotEditable({ latest: { id, invoice } }: { latest: Detail }) {
  return (
    <>
      <Back to={invoicePath(id)}>{t('Back to the invoice')}</Back>
      <Heading title={invoice.customer.name} />
      <Blank title={t('Only drafts can be edited')}>
        <p>{t('This invoice is not a draft any more.')}</p>
      </Blank>
    </>
  )
}

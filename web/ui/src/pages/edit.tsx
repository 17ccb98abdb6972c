import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { cache, commands } from '../app'
import { newerDetail } from '../cache'
import type { Outcome } from '../commands'
import { Editor } from '../components/editor'
import { Absent } from '../components/invoice-heading'
import { emptyLine } from '../components/lines'
import { Back, Blank, Heading } from '../components/page'
import { type Draft, changes, draftOf } from '../edit'
import { type Detail, can } from '../model'
import { useInvoice } from '../queries'
import { useStore } from '../store'
import { useChange } from '../use-change'

export function EditPage({ id }: { id: string }) {
  const { data, error } = useInvoice(id)
  const pending = useStore(commands.pending).find((p) => p.invoice === id)
  return data ? <EditForm latest={data} /> : <Absent error={error} pending={pending} />
}

/** What this form has saved before one of its commands was rejected is no longer to be changed. */
function ownProgress(seen: Detail, failure: Outcome | undefined): Detail {
  const known = failure && failure.change.done > 0 ? cache.known(seen.id) : undefined
  return known?.version === failure?.change.expected ? (newerDetail(seen, known) ?? seen) : seen
}

function EditForm({ latest }: { latest: Detail }) {
  const [, navigate] = useLocation()
  const [seen, setSeen] = useState(latest) // what the person edits; others may move the invoice on meanwhile
  const page = `/invoices/${seen.id}`
  const leave = () => navigate(page, { replace: true })
  const { submit, pending, failure } = useChange({ onAccepted: leave, onConflict: leave })

  const save = (draft: Draft) => {
    const { id, version, invoice } = ownProgress(seen, failure)
    const [first, ...others] = changes(invoice, draft)
    if (!first) return leave()
    submit({ invoice: id, about: invoice.customer.name, expected: version, steps: [first, ...others] })
  }
  if (!can.edit(seen.invoice)) {
    return (
      <>
        <Back to={page}>Back to the invoice</Back>
        <Heading title={seen.invoice.customer.name} />
        <Blank title="Only drafts can be edited">
          <p>This invoice was already sent.</p>
        </Blank>
      </>
    )
  }
  const moved = latest.version > seen.version && !pending
  const lines = seen.invoice.lines.length > 0 ? draftOf(seen.invoice) : { ...draftOf(seen.invoice), lines: [emptyLine()] }
  return (
    <>
      <Back to={page}>Back to the invoice</Back>
      <Heading title={`Edit the draft for ${seen.invoice.customer.name}`} />
      {moved && (
        <div className="banner moved" role="status">
          <p>
            <strong>Somebody changed this invoice while you were editing.</strong> It is now at version {latest.version}, you
            edit version {seen.version}. You can go on: before anything is overwritten, you are asked.{' '}
            <button type="button" className="link" onClick={() => setSeen(latest)}>
              Start again from the latest version
            </button>
          </p>
        </div>
      )}
      <Editor
        key={seen.version}
        initial={lines}
        isNew={false}
        pending={pending}
        failure={failure}
        onSubmit={save}
        cancel={
          <Link className="button quiet" href={page} replace>
            {pending ? 'Leave' : 'Cancel'}
          </Link>
        }
      />
    </>
  )
}

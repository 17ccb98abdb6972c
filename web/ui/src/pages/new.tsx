import { useState } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { Editor } from '../components/editor'
import { Absent } from '../components/invoice-heading'
import { Back, Heading } from '../components/page'
import { Restored } from '../components/restored'
import { likelyCurrency, rememberCurrency } from '../currencies'
import { addDays, today } from '../dates'
import { type Draft, creation, duplicate } from '../edit'
import { emptyLine, withLine } from '../editing'
import { typedPricing } from '../pricing'
import { uuidv7 } from '../ids'
import { invoicePath, listPath } from '../paths'
import { useInvoice } from '../queries'
import { useStore } from '../store'
import { findEdit, findNew, works } from '../unsaved'
import { useChange } from '../use-change'
import { workKey } from '../work'
import { t } from '../language/text'

function emptyDraft(): Draft {
  const issueDate = today()
  const customer = { name: '', email: '', address: '' }
  return { customer, currency: likelyCurrency(), issueDate, dueDate: addDays(issueDate, 30), lines: [emptyLine()], ...typedPricing({}) }
}

export default function NewPage() {
  const [params] = useSearchParams()
  const copied = params.get('copy')
  return copied === null ? <NewInvoice initial={emptyDraft} /> : <Copy id={copied} />
}

/** Begins as a copy, once that can be read. */
function Copy({ id }: { id: string }) {
  const { data, error } = useInvoice(id)
  return data ? <NewInvoice initial={() => duplicate(data.invoice, today())} /> : <Absent error={error} pending={undefined} />
}

function NewInvoice({ initial }: { initial: () => Draft }) {
  const replaced = useStore(works.replaced)
  return (
    <>
      <Back to={listPath()}>{t('Invoices')}</Back>
      <Heading title={t('New invoice')} />
      <NewForm key={replaced} begin={initial} />
    </>
  )
}

/** What was typed before goes first: beginning another invoice must not lose it. */
function NewForm({ begin }: { begin: () => Draft }) {
  const [, navigate] = useLocation()
  const [work] = useState(findNew)
  const [id] = useState(uuidv7)
  const [initial] = useState(() => (work ? withLine(work.typed) : withLine(begin())))
  const { submit, pending, failure } = useChange({
    onAccepted: ({ change: { invoice } }) => navigate(invoicePath(invoice, findEdit(invoice) && 'edit'), { replace: true }),
  })
  const keep = (draft: Draft, batch = pending?.batch) =>
    works.keep<Draft>(batch ? workKey.created(id) : workKey.begun, { typed: draft, version: 0, batch })
  const create = (draft: Draft) => {
    rememberCurrency(draft.currency)
    keep(draft, submit({ invoice: id, about: draft.customer.name.trim(), expected: 0, steps: [creation(draft)] }))
    works.drop(workKey.begun)
  }
  const discard = () => works.replace(workKey.begun, undefined)
  return (
    <>
      {work && !pending && <Restored at={work.at} onDiscard={discard} />}
      <Editor
        initial={initial}
        isNew
        restored={work !== undefined}
        pending={pending}
        failure={failure}
        onType={(draft) => keep(draft)}
        onSubmit={create}
        onDiscard={() => {
          discard()
          navigate('/')
        }}
        away="/"
      />
    </>
  )
}

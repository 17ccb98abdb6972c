import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { Editor } from '../components/editor'
import { emptyLine } from '../components/lines'
import { Back, Heading } from '../components/page'
import { likelyCurrency, rememberCurrency } from '../currencies'
import { addDays, today } from '../dates'
import { type Draft, creation } from '../edit'
import { uuidv7 } from '../ids'
import { useChange } from '../use-change'

function emptyDraft(): Draft {
  const issueDate = today()
  const customer = { name: '', email: '', address: '' }
  return { customer, currency: likelyCurrency(), issueDate, dueDate: addDays(issueDate, 30), lines: [emptyLine()] }
}

export function NewPage() {
  const [, navigate] = useLocation()
  const [initial] = useState(emptyDraft)
  const { submit, pending, failure } = useChange({
    onAccepted: ({ change }) => navigate(`/invoices/${change.invoice}`, { replace: true }),
  })
  const create = (draft: Draft) => {
    rememberCurrency(draft.currency)
    submit({ invoice: uuidv7(), about: draft.customer.name.trim(), expected: 0, steps: [creation(draft)] })
  }
  return (
    <>
      <Back to="/">Invoices</Back>
      <Heading title="New invoice" />
      <Editor
        initial={initial}
        isNew
        pending={pending}
        failure={failure}
        onSubmit={create}
        cancel={
          <Link className="button quiet" href="/">
            {pending ? 'Leave' : 'Cancel'}
          </Link>
        }
      />
    </>
  )
}

import type { Draft, LineDraft } from './edit'
import { uuidv7 } from './ids'

export type Column = 'description' | 'quantity' | 'unitPrice'

/** One thing that a person does in the form of an invoice. */
export type Edit =
  | { type: 'customer'; change: Partial<Draft['customer']> }
  | { type: 'terms'; change: Partial<Pick<Draft, 'currency' | 'issueDate' | 'dueDate'>> }
  | { type: 'line'; key: string; column: Column; value: string }
  | { type: 'added' }
  | { type: 'removed'; key: string }
  | { type: 'replaced'; draft: Draft }

/** What is left alone stays the same object, so that only the row in which somebody types is drawn again. */
export function applyEdit(draft: Draft, edit: Edit): Draft {
  switch (edit.type) {
    case 'customer':
      return { ...draft, customer: { ...draft.customer, ...edit.change } }
    case 'terms':
      return { ...draft, ...edit.change }
    case 'line':
      return { ...draft, lines: draft.lines.map((l) => (l.key === edit.key ? { ...l, [edit.column]: edit.value } : l)) }
    case 'added':
      return { ...draft, lines: [...draft.lines, emptyLine()] }
    case 'removed':
      return { ...draft, lines: draft.lines.filter((l) => l.key !== edit.key) }
    case 'replaced':
      return edit.draft
  }
}

export function emptyLine(): LineDraft {
  return { key: uuidv7(), description: '', quantity: '1', unitPrice: '' }
}

/** An invoice without lines is edited with an empty one. */
export function withLine(draft: Draft): Draft {
  return draft.lines.length > 0 ? draft : { ...draft, lines: [emptyLine()] }
}

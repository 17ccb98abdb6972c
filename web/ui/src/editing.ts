import type { Draft, LineDraft } from './edit'
import { uuidv7 } from './ids'
import type { Category } from './model'
import type { AdjustmentDraft, LinePricing } from './pricing'

export type Column = 'description' | 'quantity' | 'unitPrice' | keyof LinePricing

/** One thing that a person does in the form of an invoice. */
export type Edit =
  | { type: 'customer'; change: Partial<Draft['customer']> }
  | { type: 'terms'; change: Partial<Pick<Draft, 'currency' | 'issueDate' | 'dueDate' | 'pricesIncludeTax'>> }
  | { type: 'adjusted'; key: string; adjustment: Partial<Pick<AdjustmentDraft, 'value' | 'reason'>> }
  | { type: 'adjustmentAdded'; kind: AdjustmentDraft['kind'] }
  | { type: 'adjustmentRemoved'; key: string }
  | { type: 'exempted'; category: Category; reason: string }
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
    case 'adjusted':
      return { ...draft, adjustments: (draft.adjustments ?? []).map((a) => (a.key === edit.key ? { ...a, ...edit.adjustment } : a)) }
    case 'adjustmentAdded':
      return { ...draft, adjustments: [...(draft.adjustments ?? []), { key: uuidv7(), kind: edit.kind, value: '', reason: '' }] }
    case 'adjustmentRemoved':
      return { ...draft, adjustments: (draft.adjustments ?? []).filter((a) => a.key !== edit.key) }
    case 'exempted':
      return { ...draft, adjustments: draft.adjustments ?? [], exemptions: { ...draft.exemptions, [edit.category]: edit.reason } }
    case 'added':
      return { ...draft, lines: [...draft.lines, emptyLine(draft.lines.at(-1))] }
    case 'removed':
      return { ...draft, lines: draft.lines.filter((l) => l.key !== edit.key) }
    case 'replaced':
      return edit.draft
  }
}

/** A new line, taxed as the one before it. */
export function emptyLine({ category = '', rate = '' }: LinePricing = {}): LineDraft {
  return { key: uuidv7(), description: '', quantity: '1', unitPrice: '', category, rate }
}

/** An invoice without lines is edited with an empty one. */
export function withLine(draft: Draft): Draft {
  return draft.lines.length > 0 ? draft : { ...draft, lines: [emptyLine()] }
}

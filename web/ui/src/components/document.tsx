import { formatDay } from '../dates'
import { type Adjustment, type Invoice, type Line, type Status, reference } from '../model'
import { formatDecimal, formatMoney, isZero } from '../money'
import { taxName } from '../pricing'
import { computeTotals } from '../totals'
import { Amount } from './amount'
import { Sums } from './sums'

const titles: Partial<Record<Status, string>> = { draft: 'Draft of an invoice', void: 'Void invoice' }

/** The invoice as its customer would see it. */
export function InvoiceDocument({ id, invoice }: { id: string; invoice: Invoice }) {
  const { customer, issueDate, dueDate, status, lines, total, paid, balance, writtenOff, pricing = {}, totals } = invoice
  return (
    <article className="card document" aria-label="Invoice">
      <p className="title print-only">
        {titles[status] ?? 'Invoice'} <span className="num">{reference(id)}</span>
      </p>
      <div className="parties">
        <address>
          <span className="caption">Bill to</span>
          <br />
          <strong>{customer.name}</strong>
          {customer.address && `\n${customer.address}`}
          {customer.email && (
            <>
              <br />
              <a href={`mailto:${customer.email}`}>{customer.email}</a>
            </>
          )}
        </address>
        <dl className="dates num">
          <dt>Issued</dt>
          <dd>{formatDay(issueDate)}</dd>
          <dt>Due</dt>
          <dd>{formatDay(dueDate)}</dd>
        </dl>
      </div>
      {lines.length > 0 ? <Lines lines={lines} currency={total.currency} /> : <p className="muted">There are no lines yet.</p>}
      <dl className="sums num">
        {totals && <Sums lines={lines} pricing={pricing} totals={totals} computed={computeTotals(lines, pricing, total.currency)} />}
        {balance.amount !== total.amount && (
          <>
            <dt className="muted">Total</dt>
            <dd><Amount of={total} /></dd>
          </>
        )}
        {!isZero(paid.amount) && (
          <>
            <dt className="muted">Paid</dt>
            <dd><Amount of={paid} /></dd>
          </>
        )}
        {writtenOff && (
          <>
            <dt className="muted">Written off</dt>
            <dd><Amount of={writtenOff} /></dd>
          </>
        )}
        <dt className="last">{status === 'draft' ? 'Total' : 'Balance due'}</dt>
        <dd className="last"><Amount of={balance} /></dd>
      </dl>
    </article>
  )
}

function Lines({ lines, currency }: { lines: Line[]; currency: string }) {
  const taxed = lines.some((l) => l.tax)
  return (
    <table className="lines num">
      <thead>
        <tr>
          <th scope="col">Description</th>
          <th scope="col">Quantity</th>
          <th scope="col">Price</th>
          {taxed && <th scope="col">Tax</th>}
          <th scope="col">Amount</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.id}>
            <td className="what">
              {line.description}
              <Adjusted what="Surcharge" a={line.charge} currency={currency} />
              <Adjusted what="Discount" a={line.discount} currency={currency} />
            </td>
            <td className="quantity">{formatDecimal(line.quantity)}</td>
            <td className="price">{formatDecimal(line.unitPrice)}</td>
            {taxed && <td className="tax">{line.tax ? taxName(line.tax) : '–'}</td>}
            <td className="net"><Amount of={line.net} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Adjusted({ what, a, currency }: { what: string; a: Adjustment | undefined; currency: string }) {
  if (!a) return null
  const much = a.percent !== undefined ? `${formatDecimal(a.percent)} %` : formatMoney({ amount: a.amount ?? '', currency })
  return (
    <span className="adjusted muted small">
      {what} {much}
      {a.reason && `, ${a.reason}`}
    </span>
  )
}

import { formatDay } from '../dates'
import { type Invoice, type Line, type Status, reference } from '../model'
import { formatDecimal, isZero } from '../money'
import { Amount } from './amount'

const titles: Partial<Record<Status, string>> = { draft: 'Draft of an invoice', void: 'Void invoice' }

/** The invoice as its customer would see it. */
export function InvoiceDocument({ id, invoice }: { id: string; invoice: Invoice }) {
  const { customer, issueDate, dueDate, status, lines, total, paid, balance, writtenOff } = invoice
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
      {lines.length > 0 ? <Lines lines={lines} /> : <p className="muted">There are no lines yet.</p>}
      <dl className="sums num">
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

function Lines({ lines }: { lines: Line[] }) {
  return (
    <table className="lines num">
      <thead>
        <tr>
          <th scope="col">Description</th>
          <th scope="col">Quantity</th>
          <th scope="col">Price</th>
          <th scope="col">Amount</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.id}>
            <td className="what">{line.description}</td>
            <td className="quantity">{formatDecimal(line.quantity)}</td>
            <td className="price">{formatDecimal(line.unitPrice)}</td>
            <td className="net"><Amount of={line.net} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

import { formatDay } from '../dates'
import { type Adjustment, type Invoice, type Line, type Status, reference } from '../model'
import { formatDecimal, formatMoney, isZero } from '../money'
import { taxName } from '../pricing'
import { computeTotals } from '../totals'
import { Amount } from './amount'
import { Sums } from './sums'
import { t } from '../language/text'

const titles: Partial<Record<Status, string>> = { draft: t('Draft of an invoice'), void: t('Void invoice|title') }

type Marks = ReadonlySet<string> // paths of what is marked, as a difference of two versions has them

const mark = (marks: Marks | undefined, ...paths: string[]) => (paths.some((path) => marks?.has(path)) ? 'changed' : undefined)

/** The invoice as its customer would see it. */
export function InvoiceDocument({ id, invoice, marks }: { id: string; invoice: Invoice; marks?: Marks }) {
  const { customer, issueDate, dueDate, status, lines, total, paid, balance, writtenOff, pricing = {}, totals } = invoice
  return (
    <article className="card document" aria-label={t('Invoice')}>
      <p className="title print-only">
        {titles[status] ?? t('Invoice')} <span className="num">{reference(id, invoice.number)}</span>
      </p>
      <div className="parties">
        <address>
          <span className="caption">{t('Bill to')}</span>
          <br />
          <strong className={mark(marks, '/customer/name')}>{customer.name}</strong>
          {customer.address && (
            <>
              {'\n'}
              <span className={mark(marks, '/customer/address')}>{customer.address}</span>
            </>
          )}
          {customer.email && (
            <>
              <br />
              <a className={mark(marks, '/customer/email')} href={`mailto:${customer.email}`}>{customer.email}</a>
            </>
          )}
        </address>
        <dl className="dates num">
          <dt>{t('Issued')}</dt>
          <dd className={mark(marks, '/issueDate')}>{formatDay(issueDate)}</dd>
          <dt>{t('Due')}</dt>
          <dd className={mark(marks, '/dueDate')}>{formatDay(dueDate)}</dd>
        </dl>
      </div>
      {lines.length > 0 ? <Lines lines={lines} currency={total.currency} marks={marks} /> : <p className="muted">{t('There are no lines yet.')}</p>}
      <dl className="sums num">
        {totals && <Sums lines={lines} pricing={pricing} totals={totals} computed={computeTotals(lines, pricing, total.currency)} />}
        {balance.amount !== total.amount && (
          <>
            <dt className="muted">{t('Total')}</dt>
            <dd className={mark(marks, '/total')}><Amount of={total} /></dd>
          </>
        )}
        {!isZero(paid.amount) && (
          <>
            <dt className="muted">{t('Paid')}</dt>
            <dd className={mark(marks, '/paid')}><Amount of={paid} /></dd>
          </>
        )}
        {writtenOff && (
          <>
            <dt className="muted">{t('Written off')}</dt>
            <dd className={mark(marks, '/writtenOff')}><Amount of={writtenOff} /></dd>
          </>
        )}
        <dt className="last">{status === 'draft' ? t('Total') : t('Balance due')}</dt>
        <dd className={`last ${mark(marks, '/balance') ?? ''}`}><Amount of={balance} /></dd>
      </dl>
    </article>
  )
}

function Lines({ lines, currency, marks }: { lines: Line[]; currency: string; marks: Marks | undefined }) {
  const cell = (name: string, line: Line, ...fields: string[]) => `${name} ${mark(marks, ...fields.map((field) => `/lines/${line.id}/${field}`)) ?? ''}`
  const taxed = lines.some((l) => l.tax)
  return (
    <table className="lines num">
      <thead>
        <tr>
          <th scope="col">{t('Description')}</th>
          <th scope="col">{t('Quantity')}</th>
          <th scope="col">{t('Price')}</th>
          {taxed && <th scope="col">{t('Tax')}</th>}
          <th scope="col">{t('Amount')}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.id} className={mark(marks, `/lines/${line.id}`)}>
            <td className={cell('what', line, 'description', 'charge', 'charge/percent', 'charge/amount', 'discount', 'discount/percent', 'discount/amount')}>
              {line.description}
              <Adjusted what={t('Surcharge')} a={line.charge} currency={currency} />
              <Adjusted what={t('Discount')} a={line.discount} currency={currency} />
            </td>
            <td className={cell('quantity', line, 'quantity')}>{formatDecimal(line.quantity)}</td>
            <td className={cell('price', line, 'unitPrice')}>{formatDecimal(line.unitPrice)}</td>
            {taxed && <td className={cell('tax', line, 'tax', 'tax/category', 'tax/rate')}>{line.tax ? taxName(line.tax) : '–'}</td>}
            <td className={cell('net', line, 'net')}><Amount of={line.net} /></td>
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

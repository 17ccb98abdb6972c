import { tellAll } from '../changes'
import type { Change, Invoice } from '../model'
import { useDiff } from '../queries'
import { Loading } from './page'
import { t } from '../language/text'

interface Props {
  from: number
  to: number
  invoice: Invoice // at the version to
  changes: ReturnType<typeof useDiff>
}

/** What is different between two versions, field by field. */
export function Changes({ from, to, invoice, changes: { data, error } }: Props) {
  if (from < 1) return null
  return (
    <section className="card changes" aria-labelledby="changes">
      <h2 id="changes">{from === to - 1 ? t('What changed with version {n}', { n: to }) : t('From version {from} to version {n}', { from, n: to })}</h2>
      {data ? <List changes={data} invoice={invoice} /> : error ? <p>{t('The history can’t be read at the moment')}.</p> : <Loading />}
    </section>
  )
}

function List({ changes, invoice }: { changes: Change[]; invoice: Invoice }) {
  const told = tellAll(changes, invoice)
  if (told.length === 0) return <p className="muted">{t('Nothing that the invoice shows.')}</p>
  return (
    <dl>
      {told.map(({ what, before, after }, i) => (
        <div key={i}>
          <dt>{what}</dt>
          <dd>
            {before && <del><span className="hidden">{t('before:')} </span>{before}</del>}
            {before && after && <span aria-hidden="true"> → </span>}
            {after && <ins><span className="hidden">{t('now:')} </span>{after}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

import { useEffect, useEffectEvent, useRef } from 'react'
import { useSearchParams } from 'wouter'
import { exportPath } from '../api'
import { Dates } from '../components/dates'
import { Search, Tabs, Totals, count } from '../components/filters'
import { Blank, Heading } from '../components/page'
import { SortChoice } from '../components/sorting'
import { Table } from '../components/table'
import { type FilterChange, filterOf } from '../filter'
import { listPath } from '../paths'
import { useInvoices } from '../queries'
import { t } from '../language/text'

/** The filter lives in the URL: a reload, the back button and a shared link keep it. */
function useFilter() {
  const [params, setParams] = useSearchParams()
  const filter = filterOf(params)
  const link = (change: FilterChange) => listPath({ ...filter, ...change })
  const apply = (change: FilterChange) => setParams(link(change).slice(2), { replace: true })
  return { filter, link, apply }
}

/** Reads on when a person scrolls towards the end. */
function useNearEnd(read: () => void) {
  const ref = useRef<HTMLDivElement>(null)
  const near = useEffectEvent(read)
  useEffect(() => {
    const scrolled = () => {
      const top = ref.current?.getBoundingClientRect().top ?? Infinity
      if (top < window.innerHeight * 2) near()
    }
    window.addEventListener('scroll', scrolled, { passive: true })
    return () => window.removeEventListener('scroll', scrolled)
  }, [])
  return ref
}

export function ListPage() {
  const { filter, link, apply } = useFilter()
  const { data, error, isPlaceholderData, reading, readMore, refetch } = useInvoices(filter)
  const end = useNearEnd(() => void readMore())
  const rows = data?.rows ?? []
  const { sort = '', q, ...narrowed } = filter
  const filtered = q !== '' || Object.values(narrowed).some((value) => value !== '')
  return (
    <>
      <Heading title={t('Invoices')}>
        {data && data.count > 0 && (
          <>
            <span className="muted num">{count(data.count)}</span>
            <a className="button quiet wide-only" href={exportPath(filter)} download>
              {t('Export as CSV')}
            </a>
          </>
        )}
      </Heading>
      <Totals totals={data?.totals ?? []} />
      {(filtered || data?.count !== 0) && (
        <div className="filters">
          <Tabs current={filter.status} link={(status) => link({ status })} />
          <Dates filter={filter} onChange={apply} />
          <SortChoice sort={sort} onChange={(sort) => apply({ sort })} />
          <Search q={q} onSearch={(q) => apply({ q })} />
        </div>
      )}
      {!data && error && (
        <Blank title={t('The list can’t be read at the moment')}>
          <p>{t('It appears by itself as soon as the database is back.')}</p>
          <button type="button" className="button" onClick={() => void refetch()}>
            {t('Try again')}
          </button>
        </Blank>
      )}
      {(data ?? !error) && <Table rows={rows} loading={!data} stale={isPlaceholderData} filtered={filtered} sort={sort} link={(sort) => link({ sort })} />}
      {rows.length > 0 && (
        <div className="more" ref={end}>
          <span className="num">
            {t('{n} of {invoices}', { n: rows.length, invoices: count(data?.count ?? rows.length) })}
          </span>
          <a className="narrow-only" href={exportPath(filter)} download>
            {t('Export as CSV')}
          </a>
          {data?.next && (
            <button type="button" className="button" disabled={reading} onClick={() => void readMore()}>
              {reading ? t('Loading…') : t('Load more')}
            </button>
          )}
        </div>
      )}
    </>
  )
}

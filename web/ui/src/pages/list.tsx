import { useEffect, useEffectEvent, useRef } from 'react'
import { useSearchParams } from 'wouter'
import type { ListFilter } from '../api'
import { Search, Tabs, Totals, count, statuses } from '../components/filters'
import { Blank, Heading } from '../components/page'
import { Table } from '../components/table'
import { listPath } from '../paths'
import { useInvoices } from '../queries'
import { t } from '../language/text'

/** The filter lives in the URL: a reload, the back button and a shared link keep it. */
function useFilter(): [ListFilter, (change: Partial<ListFilter>) => string, (q: string) => void] {
  const [params, setParams] = useSearchParams()
  const status = statuses.find(([s]) => s === params.get('status'))?.[0] ?? ''
  const filter = { status, q: params.get('q') ?? '' }
  const link = (change: Partial<ListFilter>) => listPath({ ...filter, ...change })
  const search = (q: string) => setParams(link({ q }).slice(2), { replace: true })
  return [filter, link, search]
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
  const [filter, link, search] = useFilter()
  const { data, error, isPlaceholderData, reading, readMore, refetch } = useInvoices(filter)
  const end = useNearEnd(() => void readMore())
  const rows = data?.rows ?? []
  const filtered = filter.q !== '' || filter.status !== ''
  return (
    <>
      <Heading title={t('Invoices')}>
        {data && data.count > 0 && <span className="muted num">{count(data.count)}</span>}
      </Heading>
      <Totals totals={data?.totals ?? []} />
      {(filtered || data?.count !== 0) && (
        <div className="filters">
          <Tabs current={filter.status} link={(status) => link({ status })} />
          <Search q={filter.q} onSearch={search} />
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
      {(data ?? !error) && <Table rows={rows} loading={!data} stale={isPlaceholderData} filtered={filtered} />}
      {rows.length > 0 && (
        <div className="more" ref={end}>
          <span className="num">
            {t('{n} of {invoices}', { n: rows.length, invoices: count(data?.count ?? rows.length) })}
          </span>
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

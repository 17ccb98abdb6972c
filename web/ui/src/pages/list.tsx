import { useSearchParams } from 'wouter'
import type { ListFilter } from '../api'
import { Search, Tabs, Totals, count, statuses } from '../components/filters'
import { Blank, Heading } from '../components/page'
import { Table } from '../components/table'
import type { ListPage as ListPageData, Row } from '../model'
import { useInvoices } from '../queries'

/** The rows of all pages. One that moved while the pages were read may be in two of them. */
function shown(pages: ListPageData[]): Row[] {
  const rows = pages.flatMap((page) => page.invoices).filter((row) => row.status !== 'deleted')
  return [...new Map(rows.map((row) => [row.id, row])).values()]
}

/** The filter lives in the URL: a reload, the back button and a shared link keep it. */
function useFilter(): [ListFilter, (change: Partial<ListFilter>) => string, (q: string) => void] {
  const [params, setParams] = useSearchParams()
  const status = statuses.find(([s]) => s === params.get('status'))?.[0] ?? ''
  const filter = { status, q: params.get('q') ?? '' }
  const link = (change: Partial<ListFilter>) => {
    const entries = Object.entries({ ...filter, ...change }).filter(([, value]) => value !== '')
    return entries.length === 0 ? '/' : `/?${new URLSearchParams(entries)}`
  }
  const search = (q: string) => setParams(link({ q }).slice(2), { replace: true })
  return [filter, link, search]
}

export function ListPage() {
  const [filter, link, search] = useFilter()
  const { data, error, isPlaceholderData, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } = useInvoices(filter)
  const first = data?.pages[0]
  const rows = shown(data?.pages ?? [])
  const filtered = filter.q !== '' || filter.status !== ''
  return (
    <>
      <Heading title="Invoices">
        {first && first.count > 0 && <span className="muted num">{count(first.count)}</span>}
      </Heading>
      <Totals totals={first?.totals ?? []} />
      {(filtered || first?.count !== 0) && (
        <div className="filters">
          <Tabs current={filter.status} link={(status) => link({ status })} />
          <Search q={filter.q} onSearch={search} />
        </div>
      )}
      {!data && error && (
        <Blank title="The list can’t be read at the moment">
          <p>It appears by itself as soon as the database is back.</p>
          <button type="button" className="button" onClick={() => void refetch()}>
            Try again
          </button>
        </Blank>
      )}
      {(data ?? !error) && <Table rows={rows} loading={!data} stale={isPlaceholderData} filtered={filtered} />}
      {rows.length > 0 && (
        <div className="more">
          <span className="num">
            {rows.length} of {count(first?.count ?? rows.length)}
          </span>
          {hasNextPage && (
            <button type="button" className="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {isFetchingNextPage ? 'Loading…' : 'Load more'}
            </button>
          )}
        </div>
      )}
    </>
  )
}

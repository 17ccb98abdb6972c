import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode, Suspense, lazy } from 'react'
import { createRoot } from 'react-dom/client'
import { Route, Router, Switch, useLocation } from 'wouter'
import { cache, queries, start } from './app'
import { Boundary } from './components/boundary'
import { Blank, Heading, Loading } from './components/page'
import { Shell, loadPalette } from './components/shell'
import { ListPage } from './pages/list'
import { idOf, useEncodedLocation, useEncodedSearch } from './paths'
import './styles/index.css'
import { t } from './language/text'

// What comes after the list is read when it is asked for, or before, as soon as the browser has nothing else to do: a page
// has to be there also when the server is not.
const [loadEdit, loadHistory, loadInvoice, loadNew] = [
  () => import('./pages/edit'), () => import('./pages/history'), () => import('./pages/invoice'), () => import('./pages/new'),
]
const EditPage = lazy(loadEdit)
const HistoryPage = lazy(loadHistory)
const InvoicePage = lazy(loadInvoice)
const NewPage = lazy(loadNew)

function readAhead(): void {
  const read = () => {
    for (const load of [loadInvoice, loadNew, loadEdit, loadHistory, loadPalette]) load().catch(() => undefined) // asked for again when it is needed
  }
  if ('requestIdleCallback' in window) requestIdleCallback(read)
  else setTimeout(read, 1_000) // Safari
}

function Routes() {
  return (
    <Switch>
      <Route path="/">
        <ListPage />
      </Route>
      <Route path="/new">
        <NewPage />
      </Route>
      <Route path="/invoices/:id/edit">{({ id }) => <EditPage key={id} id={idOf(id)} />}</Route>
      <Route path="/invoices/:id/history">{({ id }) => <HistoryPage key={id} id={idOf(id)} />}</Route>
      <Route path="/invoices/:id">{({ id }) => <InvoicePage key={id} id={idOf(id)} />}</Route>
      <Route>
        <Heading title={t('Not found')} />
        <Blank title={t('There is no such page.')} />
      </Route>
    </Switch>
  )
}

const forget = () => cache.forget()

/** What one page cannot draw is no reason to lose the others: the way to them stays. */
function Content() {
  const [path] = useLocation()
  return (
    <Boundary key={path} onRetry={forget}>
      <Suspense fallback={<Loading />}>
        <Routes />
      </Suspense>
    </Boundary>
  )
}

start()
readAhead()

const root = document.getElementById('root')
if (!root) throw new Error('the page has no root element')
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Router hook={useEncodedLocation} searchHook={useEncodedSearch}>
        <Boundary onRetry={forget}>
          <Shell>
            <Content />
          </Shell>
        </Boundary>
      </Router>
    </QueryClientProvider>
  </StrictMode>,
)

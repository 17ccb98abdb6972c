import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Route, Router, Switch, useLocation } from 'wouter'
import { cache, queries, start } from './app'
import { Boundary } from './components/boundary'
import { Blank, Heading } from './components/page'
import { Shell } from './components/shell'
import { EditPage } from './pages/edit'
import { HistoryPage } from './pages/history'
import { InvoicePage } from './pages/invoice'
import { ListPage } from './pages/list'
import { NewPage } from './pages/new'
import { idOf, useEncodedLocation, useEncodedSearch } from './paths'
import './styles/index.css'

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
        <Heading title="Not found" />
        <Blank title="There is no such page." />
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
      <Routes />
    </Boundary>
  )
}

start()

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

import { Component, type ReactNode } from 'react'
import { Blank, Heading } from './page'
import { t } from '../language/text'

interface Caught {
  error: Error | undefined
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

interface Bounded {
  children: ReactNode
  onRetry: () => void
}

/** Shows what happened instead of what could not be drawn, and ways back. Forms keep what is typed as it is typed. */
export class Boundary extends Component<Bounded, Caught> {
  override state: Caught = { error: undefined }

  static getDerivedStateFromError(thrown: unknown): Caught {
    return { error: asError(thrown) }
  }

  #retry = (): void => {
    this.props.onRetry()
    this.setState({ error: undefined })
  }

  override render(): ReactNode {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <>
        <Heading title={t('This page cannot be shown')} />
        <Blank title={t('Something went wrong while it was drawn')}>
          <p role="alert">
            {t('Nothing that was saved is lost, and what you typed is kept in this browser. It is a fault of this page; whoever runs it will want to know:')}{' '}
            <code>{error.message}</code>
          </p>
          <div className="actions">
            <button type="button" className="button primary" onClick={this.#retry}>
              {t('Try again')}
            </button>
            <button type="button" className="button" onClick={() => location.reload()}>
              {t('Reload')}
            </button>
            <a className="button" href="/">
              {t('All invoices')}
            </a>
          </div>
        </Blank>
      </>
    )
  }
}

import { locale } from './language/language'

const common = ['EUR', 'USD', 'GBP', 'CHF', 'JPY', 'SEK', 'NOK', 'DKK', 'PLN', 'CZK', 'CAD', 'AUD', 'INR', 'CNY', 'BRL', 'KWD']

/** The currencies to choose from, the most used first. Whether one is taken is for the server to say. */
export function currencies(own: string): string[] {
  return [...new Set([...common, own, ...Intl.supportedValuesOf('currency')])].filter((code) => /^[A-Z]{3}$/.test(code))
}

const names = new Intl.DisplayNames(locale, { type: 'currency' })

export function currencyName(code: string): string {
  return names.of(code) ?? code
}

const byRegion: Record<string, string> = { US: 'USD', GB: 'GBP', CH: 'CHF', JP: 'JPY', SE: 'SEK', NO: 'NOK', DK: 'DKK', PL: 'PLN', CZ: 'CZK', CA: 'CAD', AU: 'AUD', IN: 'INR', CN: 'CNY', BR: 'BRL', KW: 'KWD' }

/** What a person most likely writes invoices in: the currency last used here, or the one of the region. */
export function likelyCurrency(from = navigator.language): string {
  return remembered() ?? byRegion[new Intl.Locale(from).region ?? ''] ?? 'EUR'
}

function remembered(): string | undefined {
  try {
    return localStorage.getItem('currency') ?? undefined
  } catch {
    return undefined
  }
}

export function rememberCurrency(currency: string): void {
  try {
    localStorage.setItem('currency', currency)
  } catch {
    // Storage is forbidden: the next invoice starts with the region's currency.
  }
}

// The language of the page is settled when it is loaded: what is written once, such as the names of states, can rely on it.
// Changing it loads the page anew, which loses nothing: forms keep what is typed as it is typed.

export type Language = 'en' | 'de'

export const languages: Record<Language, string> = { en: 'English', de: 'Deutsch' }

const storageKey = 'language'
const regions: Record<Language, string> = { en: 'en-GB', de: 'de-DE' }

const isLanguage = (text: string | null | undefined): text is Language => text === 'en' || text === 'de'
const languageOf = (locale: string) => locale.split('-')[0] ?? ''

/** What the page speaks: what was chosen here, or the first language of the browser's that it knows, or English. */
export function languageFor(chosen: string | null | undefined, asked: readonly string[]): Language {
  if (isLanguage(chosen)) return chosen
  return asked.map(languageOf).find(isLanguage) ?? 'en'
}

/**
 * Whose way numbers and dates are written in: a region that the browser asks for in this language, as en-US. Who chose a
 * language that the browser does not ask for gets its usual region; undefined is the browser's own way.
 */
export function localeFor(language: Language, chosen: boolean, asked: readonly string[]): string | undefined {
  return asked.find((l) => languageOf(l) === language) ?? (chosen ? regions[language] : undefined)
}

function remembered(): string | null {
  try {
    return localStorage.getItem(storageKey)
  } catch {
    return null // Storage is forbidden, or there is none: the browser's languages count.
  }
}

const asked = typeof navigator === 'undefined' ? [] : navigator.languages
const chosen = remembered()

export const language = languageFor(chosen, asked)
export const locale = localeFor(language, isLanguage(chosen), asked)

if (typeof document !== 'undefined') document.documentElement.lang = language

export function chooseLanguage(next: Language): void {
  try {
    localStorage.setItem(storageKey, next)
  } catch {
    return // Nothing would remember it.
  }
  location.reload()
}

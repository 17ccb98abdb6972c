import { locale } from './language/language'

/** The day at the user's place, as YYYY-MM-DD. */
export function today(now = new Date()): string {
  const month = String(now.getMonth() + 1).padStart(2, '0')
  return `${now.getFullYear()}-${month}-${String(now.getDate()).padStart(2, '0')}`
}

/** The day that decides what is overdue, the same for everybody: the server's filter goes by UTC too. */
export function utcToday(now = new Date()): string {
  return now.toISOString().slice(0, 10)
}

// Days are counted at noon UTC, where no change to summer time can move one.
const noon = (day: string) => Date.parse(`${day}T12:00:00Z`)
const dayLength = 86_400_000

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(noon(text) || 0).toISOString().startsWith(text)
}

export function addDays(day: string, days: number): string {
  return new Date(noon(day) + days * dayLength).toISOString().slice(0, 10)
}

export function daysBetween(from: string, to: string): number {
  return Math.round((noon(to) - noon(from)) / dayLength)
}

const dayFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' })
const timeFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' })

export function formatDay(day: string): string {
  return isDay(day) ? dayFormat.format(noon(day)) : day
}

export function formatTime(time: string): string {
  const at = Date.parse(time)
  return Number.isNaN(at) ? time : timeFormat.format(at)
}

import { Fragment, type ReactNode, createElement } from 'react'
import { german } from './german'
import { type Language, language } from './language'

/** A sentence of the page as it is written in English, which the catalogue has in German. After | stands what it is about, for words that German tells apart. */
export type Text = keyof typeof german

type Values = Record<string, string | number>

const written = (text: Text, to: Language) => (to === 'de' ? german[text] : (text.split('|')[0] ?? text))
const holes = /\{(\w+)\}/

/** The sentence in the language of the page, with its holes filled. */
export function t(text: Text, values: Values = {}, to = language): string {
  return written(text, to)
    .split(holes)
    .map((part, i) => (i % 2 === 0 ? part : String(values[part] ?? '')))
    .join('')
}

/** As t, for holes that hold more than text, such as amounts. */
export function rich(text: Text, values: Record<string, ReactNode>, to = language): ReactNode {
  return written(text, to)
    .split(holes)
    .map((part, i) => createElement(Fragment, { key: i }, i % 2 === 0 ? part : values[part]))
}

import { describe, expect, test } from 'vitest'
import { languageFor, localeFor } from './language'

describe('the language', () => {
  test.each([
    ['de', ['en-US'], 'de'],
    ['en', ['de-DE'], 'en'],
    [null, ['de-AT', 'en'], 'de'],
    [null, ['fr-FR', 'de-CH'], 'de'],
    [null, ['fr-FR', 'en-GB', 'de'], 'en'],
    [null, ['fr-FR'], 'en'],
    [null, [], 'en'],
    ['nonsense', ['de'], 'de'],
  ] as const)('chosen %s, asked for %j: %s', (chosen, asked, want) => expect(languageFor(chosen, asked)).toBe(want))
})

describe('the way of numbers and days', () => {
  test.each([
    ['de', false, ['en-US', 'de-AT'], 'de-AT'],
    ['en', true, ['de-DE'], 'en-GB'],
    ['de', true, ['en-US'], 'de-DE'],
    ['en', true, ['en-US'], 'en-US'],
    ['en', false, ['fr-FR'], undefined], // the browser's own
  ] as const)('%s, chosen: %s, asked for %j: %s', (language, chosen, asked, want) => expect(localeFor(language, chosen, asked)).toBe(want))
})

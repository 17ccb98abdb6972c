import { expect, test } from 'vitest'
import { Works } from './work'

function setup() {
  const values = new Map<string, string>()
  const shelf = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  }
  const clock = { now: 1_000 }
  return { values, clock, works: new Works(shelf, () => clock.now) }
}

const work = (name: string) => ({ typed: { name }, version: 3 })

test('work is found as it was kept, by its key alone', () => {
  const { works } = setup()
  expect(works.keep('edit.a', work('Acme'))).toBe(true)
  expect(works.find('edit.a')).toMatchObject({ typed: { name: 'Acme' }, version: 3, at: 1_000 })
  expect(works.find('edit.b')).toBeUndefined()
  works.drop('edit.a')
  expect(works.find('edit.a')).toBeUndefined()
})

test('work of more than thirty days, or that is none, is not brought back', () => {
  const { works, clock, values } = setup()
  works.keep('new', work('Acme'))
  clock.now += 31 * 24 * 3_600_000
  expect(works.find('new')).toBeUndefined()
  values.set('eventim.work.new', '{"typed":')
  expect(works.find('new')).toBeUndefined()
})

test('numbers of another language are found as they are written in this one', () => {
  const { works, values } = setup()
  const keptIn = (locale: string) => values.set('eventim.work.new', (values.get('eventim.work.new') ?? '').replace(/"locale":"[^"]*"/, `"locale":"${locale}"`))
  works.keep('new', { typed: { name: '1,5', amount: '1.250,5' }, version: 3 })
  keptIn('de-DE')
  expect(works.find('new')).toMatchObject({ typed: { name: '1,5', amount: '1250.5' }, version: 3 })
  keptIn('no language')
  expect(works.find('new')).toBeUndefined()
})

test('work moves only to where nothing is', () => {
  const { works } = setup()
  works.keep('new.a', work('first'))
  works.keep('new', work('second'))
  works.move('new.a', 'new')
  expect(works.find('new')).toMatchObject({ typed: { name: 'second' } })
  works.drop('new')
  works.move('new.a', 'new')
  expect(works.find('new')).toMatchObject({ typed: { name: 'first' } })
  expect(works.find('new.a')).toBeUndefined()
})

test('a browser that keeps nothing says so, and what is changed from outside is told', () => {
  const forbidden = () => {
    throw new Error('forbidden')
  }
  expect(new Works({ getItem: forbidden, setItem: forbidden, removeItem: forbidden }).keep('new', work('x'))).toBe(false)
  const { works } = setup()
  works.keep('edit.a', work('x'))
  works.replace<{ name: string }>('edit.a', (w) => ({ ...w, typed: { name: 'y' } }))
  expect(works.replaced.get()).toBe(1)
  expect(works.find('edit.a')).toMatchObject({ typed: { name: 'y' } })
  works.replace('edit.a', undefined)
  expect(works.find('edit.a')).toBeUndefined()
})

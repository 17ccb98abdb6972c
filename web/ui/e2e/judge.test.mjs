// The judge of accessibility itself: it looks at what is there in the end, and not at a moment of a movement.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage()

/** Shows a message as the page does, which is a third there and takes a minute to appear; at once, or while the judge looks. */
function show(colour, from) {
  return s.page.evaluate(([colour, from]) => {
    const insert = () => {
      const toast = document.createElement('div')
      toast.className = 'toast done'
      toast.textContent = 'Payment of €15.00 recorded'
      if (colour) toast.style.color = colour
      toast.style.animation = '60s linear -20s rise'
      document.querySelector('.toasts').append(toast)
    }
    if (from === 'at once') return insert()
    const { run } = window.axe
    window.axe.run = (...all) => {
      insert()
      return run.apply(window.axe, all)
    }
  }, [colour, from])
}

for (const from of ['at once', 'while it looks']) {
  test(`a message that fades in ${from} is judged by its last colours`, async () => {
    await s.open('/')
    await violations(s.page) // axe is there
    await show('', from)
    assert.deepEqual(await violations(s.page), [])
    assert.equal(await s.page.locator('.toast').count(), 1)
  })
}

test('a colour that stays too weak is found all the same', async () => {
  await s.open('/')
  await show('#bbb', 'at once')
  const found = await violations(s.page)
  assert.match(found.join(), /^color-contrast: .*Payment of €15\.00/)
})

test('what a script moves has arrived as well', async () => {
  await s.open('/')
  await s.page.evaluate(() => document.querySelector('h1').animate([{ opacity: 0.1 }, { opacity: 1 }], 60_000))
  assert.deepEqual(await violations(s.page), [])
})

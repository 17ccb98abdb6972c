// German and English, by the browser or by choice.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { desktop, phone, violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage({ locale: 'de-DE' })
const lang = () => s.page.evaluate(() => document.documentElement.lang)
const heading = (name) => s.page.getByRole('heading', { name, level: 1 }).waitFor()

test('a German browser is spoken to in German, in sentences, amounts and days', async () => {
  s.product.command(s.sent('i1'), 'ReceivePayment', { amount: { amount: '30', currency: 'EUR' }, date: '2026-01-02', reference: '' })
  await s.open('/')
  await heading('Rechnungen')
  assert.equal(await lang(), 'de')
  await s.page.getByRole('row').filter({ hasText: 'Acme' }).getByText('Teilweise bezahlt').waitFor()
  await s.page.getByRole('link', { name: 'Acme', exact: true }).click()
  await s.page.getByText('01.01.2026').first().waitFor()
  await s.page.getByRole('link', { name: 'Verlauf' }).click()
  await s.page.getByText('Zahlung von 30,00\u00a0€ eingegangen').waitFor()
  await s.page.getByText('Entwurf angelegt für Acme mit einer Zeile, fällig am 01.01.2035').waitFor()
})

test('what the server refuses is told in German as well', async () => {
  s.sent('i1')
  await s.open('/invoices/i1')
  await s.button('Zahlung erfassen').click()
  await s.dialog().getByLabel('Betrag').fill('100,01')
  await s.dialog().getByRole('button', { name: 'Zahlung erfassen' }).click()
  await s.dialog().locator('.wrong').getByText('Das ist mehr, als offen ist.').waitFor()
})

test('another language is chosen, is kept, and loses nothing that was typed', async () => {
  await s.open('/new')
  await s.page.getByLabel('Name').fill('Müller')
  await s.page.getByLabel('Beschreibung, Zeile 1').fill('Arbeit')
  await s.page.getByLabel('Einzelpreis, Zeile 1').fill('1.250,50')
  await s.page.getByLabel('Sprache').selectOption('English')
  await heading('New invoice')
  assert.equal(await lang(), 'en')
  await s.valueIs(s.page.getByLabel('Name'), 'Müller')
  await s.valueIs(s.page.getByLabel('Description of line 1'), 'Arbeit')
  await s.valueIs(s.page.getByLabel('Unit price of line 1'), '1250.50')
  await s.open('/')
  await heading('Invoices')
  await s.page.keyboard.press('Control+k')
  await s.page.keyboard.type('deutsch')
  await s.page.getByRole('option', { name: 'Language: Deutsch' }).click()
  await heading('Rechnungen')
})

for (const [screen, viewport, colorScheme] of [['desktop', desktop, 'light'], ['phone', phone, 'dark']]) {
  test(`longer words fit, on a ${screen}`, async () => {
    await s.page.setViewportSize(viewport)
    await s.page.emulateMedia({ colorScheme })
    s.sent('i1')
    s.draft('i2')
    for (const path of ['/', '/new', '/invoices/i1', '/invoices/i1/history', '/invoices/i2', '/invoices/i2/edit']) {
      await s.open(path)
      await s.page.locator('h1').waitFor()
      assert.deepEqual(await violations(s.page), [], path)
      assert.equal(await s.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, path)
    }
  })
}

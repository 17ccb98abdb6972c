// Numbers as a German writes them; what can be read in two ways is asked, never guessed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phone, violations } from './browser.mjs'
import { stage } from './stage.mjs'

const s = stage({ locale: 'de-DE' })
const price = () => s.page.getByLabel('Einzelpreis, Zeile 1')
const shown = (text) => s.page.getByText(text.replace(' ', '\u00a0')).first()

async function newInvoice(unitPrice) {
  await s.open('/new')
  await s.page.getByLabel('Name').fill('Müller')
  await s.page.getByLabel('Währung').selectOption('EUR')
  await s.page.getByLabel('Beschreibung, Zeile 1').fill('Arbeit')
  await price().fill(unitPrice)
}

const only = () => [...s.product.invoices.values()][0]?.state

test('1.250 is refused, with both readings to choose from', async () => {
  await newInvoice('1.250')
  await s.button('Entwurf anlegen').click()
  await s.page.getByText('lässt sich auf zwei Arten lesen').waitFor()
  await s.focusIs('Einzelpreis, Zeile 1')
  assert.equal(s.product.invoices.size, 0)
  await s.until(() => s.page.getByRole('group', { name: 'Was 1.250 bedeutet' }).getByRole('button').allTextContents(), ['1250', '1,250'])
  assert.deepEqual(await violations(s.page), [])
  await s.button('1250').click()
  await s.valueIs(price(), '1250')
  await s.focusIs('Einzelpreis, Zeile 1')
  await s.page.getByText('lässt sich auf zwei Arten lesen').waitFor({ state: 'detached' })
  await s.button('Entwurf anlegen').click()
  await shown('1.250,00 €').waitFor()
  assert.equal(only().lines[0].unitPrice, '1250')
})

for (const [typed, wire, total] of [['1.250,00', '1250.00', '1.250,00 €'], ['1250,5', '1250.5', '1.250,50 €'], ['1,25', '1.25', '1,25 €'], ["1'250", '1250', '1.250,00 €']]) {
  test(`${typed} is ${wire}`, async () => {
    await newInvoice(typed)
    await s.button('Entwurf anlegen').click()
    await shown(total).waitFor()
    assert.equal(only().lines[0].unitPrice, wire)
  })
}

test('what is stored stands in the form as it would be typed, and is saved as it was', async () => {
  s.draft('i1', { lines: [{ description: 'Druck', quantity: '1.5', unitPrice: '1.375' }] })
  await s.open('/invoices/i1/edit')
  await s.valueIs(price(), '1,375')
  await s.valueIs(s.page.getByLabel('Menge, Zeile 1'), '1,5')
  await s.page.getByLabel('Name').fill('Acme GmbH')
  await s.button('Änderungen speichern').click()
  await s.page.getByRole('heading', { name: 'Acme GmbH', level: 1 }).waitFor()
  assert.deepEqual(only().lines.map((l) => [l.quantity, l.unitPrice]), [['1.5', '1.375']])
})

test('a payment is read in the same way', async () => {
  s.sent('i1', { lines: [{ description: 'Haus', quantity: '1', unitPrice: '9000' }] })
  await s.open('/invoices/i1')
  await s.button('Zahlung erfassen').click()
  const amount = s.dialog().getByLabel('Betrag')
  await s.valueIs(amount, '9000,00')
  await amount.fill('1.250')
  await s.dialog().getByRole('button', { name: 'Zahlung erfassen' }).click()
  await s.dialog().getByRole('button', { name: '1250', exact: true }).click()
  await s.dialog().getByRole('button', { name: 'Zahlung erfassen' }).click()
  await shown('7.750,00 €').waitFor()
})

test('drafts are not outstanding', async () => {
  s.draft('i1', { lines: [{ description: 'x', quantity: '1', unitPrice: '300' }] })
  s.sent('i2')
  await s.open('/')
  const totals = s.page.getByRole('region', { name: 'Summen je Währung' })
  await totals.getByText('von 400,00\u00a0€ in 2 Rechnungen, davon 300,00\u00a0€ in Entwürfen').waitFor()
  await s.until(() => totals.locator('.amount').textContent(), '100,00\u00a0€')
})

test('no amount breaks in the middle, however long and narrow', async () => {
  const lines = [{ description: 'A palace', quantity: '10', unitPrice: '999999999999.99' }]
  s.sent('i1', { lines })
  s.product.command('i1', 'ReceivePayment', { amount: { amount: '1234567890123.45', currency: 'EUR' }, date: '2026-01-02', reference: '' })
  s.draft('i2', { lines: [{ description: 'A garden', quantity: '1', unitPrice: '100000' }] })
  for (const width of [phone.width, 320, 1280]) {
    await s.page.setViewportSize({ width, height: 800 })
    for (const path of ['/', '/invoices/i1', '/invoices/i1/history', '/invoices/i2/edit']) {
      await s.open(path)
      await s.page.locator('.money, .history').first().waitFor()
      const broken = await s.page.evaluate(() =>
        [...document.querySelectorAll('.money')].filter((e) => e.getClientRects().length > 1 || e.getBoundingClientRect().right > innerWidth || e.closest('.card, p')?.scrollWidth > e.closest('.card, p')?.clientWidth).map((e) => e.outerHTML),
      )
      assert.deepEqual(broken, [], `${path} at ${width}`)
      assert.equal(await s.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${path} at ${width}`)
    }
  }
})

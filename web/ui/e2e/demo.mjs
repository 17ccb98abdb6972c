// Invoices to look at, written as the commands of a small business.
import { randomUUID } from 'node:crypto'

const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

const customers = [
  ['Northwind Coffee Roasters', 'accounts@northwind.example', 'Speicherstadt 14\n20457 Hamburg\nGermany'],
  ['Atelier Lumière', 'compta@lumiere.example', '18 rue de la Forge\n69001 Lyon\nFrance'],
  ['Blue Heron Publishing', 'ap@blueheron.example', '402 Harbor Street\nPortland, ME 04101\nUSA'],
  ['Kestrel & Sons Joinery', 'office@kestrel.example', '7 Mill Lane\nBristol BS1 4QA\nUnited Kingdom'],
  ['Sakura Robotics KK', 'keiri@sakura.example', '2-11-3 Meguro\nTokyo 153-0063\nJapan'],
  ['Fjordlys Energi', 'faktura@fjordlys.example', 'Bryggen 9\n5003 Bergen\nNorway'],
  ['Olmo Architetti', 'studio@olmo.example', 'Via Savona 33\n20144 Milano\nItaly'],
  ['Harbour Bakery Co-op', 'books@harbourbakery.example', ''],
]

const work = [
  ['Design workshop, two days', '2', '1250.00'],
  ['Implementation', '37.5', '118.00'],
  ['Hosting, per month', '3', '49.90'],
  ['Copy editing, per word', '8640', '0.085'],
  ['Printing on 120 g paper', '500', '1.375'],
  ['Travel', '1', '312.40'],
]

/** The commands of n invoices as [invoice, command, payload], in all states and three currencies. */
export function* demo(n) {
  for (let i = 0; i < n; i++) {
    const id = randomUUID()
    const [name, email, address] = customers[(i * 5 + 3) % customers.length]
    const currency = { 2: 'USD', 4: 'JPY' }[(i * 5 + 3) % customers.length] ?? 'EUR'
    const lines = [0, 1, 2].slice(0, 1 + (i % 3)).map((k) => {
      const [description, quantity, unitPrice] = work[(i + k * 2) % work.length]
      return currency === 'JPY' ? { description, quantity: '6', unitPrice: '48000' } : { description, quantity, unitPrice }
    })
    const issued = -70 + Math.floor((i * 68) / n)
    const payload = { customer: { name, email, address }, currency, issueDate: day(issued), dueDate: day(issued + [30, 14, 7][i % 3]), lines }
    yield [id, 'CreateInvoice', payload]
    if (i % 6 === 4) continue
    yield [id, 'SendInvoice', {}]
    if (i % 3 !== 1) yield [id, 'ReceivePayment', payment(i % 2 === 0 ? undefined : '120', currency, issued + 12)]
  }
}

/** Without an amount: what is owed, which the caller knows. */
function payment(amount, currency, days) {
  return { amount: { amount: amount ?? 'balance', currency }, date: day(days), reference: `Transfer ${4100 + Math.abs(days)}` }
}

export function fill(product, n) {
  for (const [id, command, payload] of demo(n)) {
    if (payload.amount?.amount === 'balance') payload.amount = product.invoices.get(id).state.balance
    product.command(id, command, payload)
  }
}

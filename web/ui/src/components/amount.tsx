import { type Money, formatMoney } from '../money'

/** An amount as people write it. It never breaks in the middle; a long one is set smaller where figures are large. */
export function Amount({ of }: { of: Money }) {
  const text = formatMoney(of)
  return <span className={text.length > 20 ? 'money longest' : text.length > 14 ? 'money long' : 'money'}>{text}</span>
}

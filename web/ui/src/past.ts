// Which version of an invoice is looked at, by the address.

export interface Chosen {
  version: number
  from: number // what it is compared with; 0: nothing
  past: boolean // it is not the invoice as it is now
}

const number = (text: string | null) => (text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined)

/** The version that is asked for, and the one before or another one beside it. Nothing, and what is no version, is now. */
export function chosen(params: URLSearchParams, latest: number): Chosen {
  const version = number(params.get('version')) ?? latest
  const from = number(params.get('from'))
  return { version, from: from === undefined || from === version || from > latest ? version - 1 : from, past: version !== latest }
}

import { uuidv7 } from './ids'

/** sessionStorage, or memory where the browser forbids it: then a reload forgets, but the page works. */
function sessionMemory(): Pick<Storage, 'getItem' | 'setItem'> {
  const memory = new Map<string, string>()
  return {
    getItem: (key) => memory.get(key) ?? attempt(() => sessionStorage.getItem(key)) ?? null,
    setItem: (key, value) => {
      memory.set(key, value)
      attempt(() => sessionStorage.setItem(key, value))
    },
  }
}

function attempt<T>(f: () => T): T | undefined {
  try {
    return f()
  } catch {
    return undefined
  }
}

/** What outlives a reload of this tab. */
export const storage = sessionMemory()

function ownOrigin(): string {
  const origin = storage.getItem('eventim.origin') ?? uuidv7()
  storage.setItem('eventim.origin', origin)
  return origin
}

/** Names this tab to the server, which sends it the results of its commands. */
export const origin = ownOrigin()

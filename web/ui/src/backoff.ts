/** Full jitter: anywhere between zero and a limit that doubles, so that pages do not all come back at the same moment. */
export function backoff(attempt: number, random: () => number = Math.random, base = 500, cap = 15_000): number {
  return Math.floor(random() * Math.min(cap, base * 2 ** attempt))
}

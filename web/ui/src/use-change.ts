import { useEffect, useRef, useState } from 'react'
import { commands } from './app'
import type { Change, Outcome } from './commands'
import { watch } from './notices'
import { type Pending, type Wait, waitOf } from './pending'
import { useStore } from './store'

interface Options {
  onAccepted: (outcome: Outcome) => void
  onConflict?: () => void // a dialog above all pages explains it; the form has nothing more to do
}

/** Submits a change for a form and follows it, as long as the form is there. */
export function useChange({ onAccepted, onConflict }: Options) {
  const [batch, setBatch] = useState('')
  const [failure, setFailure] = useState<Outcome>()
  const pending = useStore(commands.pending).find((p) => p.batch === batch)
  const leave = useRef<() => void>(undefined)
  useEffect(() => () => leave.current?.(), [])

  const submit = (change: Change): string => {
    setFailure(undefined)
    const { batch, ended } = commands.submit(change)
    let here = true
    const unwatch = watch(batch)
    leave.current = () => {
      here = false
      unwatch()
    }
    setBatch(batch)
    void ended.then((outcome) => {
      if (!here) return
      leave.current?.()
      if (outcome.kind === 'accepted') onAccepted(outcome)
      else if (outcome.kind === 'conflict') onConflict?.()
      else setFailure(outcome)
    })
    return batch
  }

  return { submit, pending, failure }
}

/** The time, while something has to be told by it. */
export function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!running) return
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [running])
  return now
}

export function useWait(pending: Pending | undefined): Wait | undefined {
  const now = useNow(pending !== undefined)
  return pending && waitOf(pending, Math.max(now, pending.since))
}

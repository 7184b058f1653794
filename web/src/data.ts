import { useEffect, useRef, useState } from 'preact/hooks'
import { get, Trouble } from './api'
import { concerns, live } from './live'

// When anything was last read from the server; the freshness word is made of
// it. Ages are counted by the server's clock, which may not be this one.
export const fresh = { at: 0, skew: 0 }

function read(value: unknown, old: boolean) {
  fresh.at = Date.now()
  if (old) return
  const at = (value as { at?: unknown }).at
  if (typeof at === 'string' && !isNaN(Date.parse(at))) fresh.skew = Date.parse(at) - fresh.at
}

export interface Data<T> { value: T | null; trouble: Trouble | null; since: number; again: () => void }

const atMostEvery = 1000
const anyway = 10_000

// useData reads a path now, again whenever news concerns the plan ('' for any),
// and every ten seconds anyway, since words like "due in" age by themselves. A
// hidden tab rests. With null no news matters, only the ten seconds do: such an
// answer may have been made a while ago, so the clock is not set by it.
export function useData<T>(path: string, plan: string | null): Data<T> {
  const [state, set] = useState<{ path: string; value: T | null; trouble: Trouble | null; since: number }>({ path, value: null, trouble: null, since: 0 })
  const reread = useRef<() => void>(() => {})
  useEffect(() => {
    const stop = new AbortController()
    let timer = 0
    let busy = false
    let wanted = false
    let last = 0
    const go = async () => {
      if (busy) {
        wanted = true
        return
      }
      busy = true
      last = Date.now()
      try {
        const value = await get<T>(path, stop.signal)
        read(value, plan === null)
        set({ path, value, trouble: null, since: 0 })
      } catch (e) {
        if (stop.signal.aborted) return
        const trouble = e instanceof Trouble ? e : new Trouble('internal', String(e), '')
        set((s) => ({ path, value: s.path === path ? s.value : null, trouble, since: s.since || Date.now() }))
      }
      busy = false
      if (wanted) {
        wanted = false
        soon()
      }
    }
    const soon = () => {
      if (timer || document.hidden) return
      timer = window.setTimeout(() => {
        timer = 0
        void go()
      }, Math.max(0, last + atMostEvery - Date.now()))
    }
    reread.current = () => void go()
    void go()
    const off = live.on((n) => plan !== null && concerns(n, plan) && soon())
    const beat = window.setInterval(soon, anyway)
    const shown = () => !document.hidden && soon()
    document.addEventListener('visibilitychange', shown)
    return () => {
      stop.abort()
      off()
      clearTimeout(timer)
      clearInterval(beat)
      document.removeEventListener('visibilitychange', shown)
    }
  }, [path, plan])
  const mine = state.path === path
  return { value: mine ? state.value : null, trouble: mine ? state.trouble : null, since: state.since, again: () => reread.current() }
}

// useNow ticks, for words that count seconds.
export function useNow(every = 1000): number {
  const [now, set] = useState(Date.now())
  useEffect(() => {
    const t = window.setInterval(() => set(Date.now()), every)
    return () => clearInterval(t)
  }, [every])
  return now
}

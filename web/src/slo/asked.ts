import { useEffect, useRef, useState } from 'preact/hooks'
import { get, Trouble } from '../api'

// What is slow to answer is asked once, when somebody looks at it, and again
// only when asked for: unlike useData it follows no news.

export interface Answer<T> { value: T | null; trouble: Trouble | null; busy: boolean; again: () => void }

// useAsked reads a path; null: not yet. While another path of the same question
// is read, the answer before stays, marked as busy.
export function useAsked<T>(path: string | null): Answer<T> {
  const [state, set] = useState<{ value: T | null; trouble: Trouble | null; busy: boolean }>({ value: null, trouble: null, busy: false })
  const [times, count] = useState(0)
  useEffect(() => {
    if (path === null) return
    const stop = new AbortController()
    set((s) => ({ ...s, trouble: null, busy: true }))
    get<T>(path, stop.signal).then(
      (value) => set({ value, trouble: null, busy: false }),
      (e: unknown) => {
        if (stop.signal.aborted) return
        set({ value: null, trouble: e instanceof Trouble ? e : new Trouble('internal', String(e), ''), busy: false })
      },
    )
    return () => stop.abort()
  }, [path, times])
  return { ...state, again: () => count((n) => n + 1) }
}

// useSeen turns true once an element comes near the window, and stays so.
export function useSeen<E extends Element>(): [{ current: E | null }, boolean] {
  const el = useRef<E>(null)
  const [seen, set] = useState(false)
  useEffect(() => {
    if (seen || !el.current) return
    const watch = new IntersectionObserver((list) => list.some((x) => x.isIntersecting) && set(true), { rootMargin: '120px' })
    watch.observe(el.current)
    return () => watch.disconnect()
  }, [seen])
  return [el, seen]
}

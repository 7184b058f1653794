import { useEffect, useState } from 'preact/hooks'

// Remembered per browser: theme, zone, and the name given with actions.
// Storage may be forbidden; then nothing is remembered and all still works.

type Key = 'theme' | 'utc' | 'name'

export function recall(k: Key): string {
  try {
    return localStorage.getItem('pitwall.' + k) ?? ''
  } catch {
    return ''
  }
}

const watchers = new Set<() => void>()

export function remember(k: Key, v: string) {
  try {
    if (v) localStorage.setItem('pitwall.' + k, v)
    else localStorage.removeItem('pitwall.' + k)
  } catch {
    // fine
  }
  if (k === 'theme') {
    if (v) document.documentElement.dataset.theme = v
    else delete document.documentElement.dataset.theme
  }
  for (const f of watchers) f()
}

export function usePref(k: Key): string {
  const [v, set] = useState(recall(k))
  useEffect(() => {
    const f = () => set(recall(k))
    watchers.add(f)
    return () => void watchers.delete(f)
  }, [k])
  return v
}

export const useUTC = () => usePref('utc') !== 'local'

// useDark follows the switch, or else the system.
export function useDark(): boolean {
  const theme = usePref('theme')
  const query = matchMedia('(prefers-color-scheme: dark)')
  const [system, set] = useState(query.matches)
  useEffect(() => {
    const f = () => set(query.matches)
    query.addEventListener('change', f)
    return () => query.removeEventListener('change', f)
  }, [])
  return theme ? theme === 'dark' : system
}

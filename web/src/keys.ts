import { useEffect, useRef } from 'preact/hooks'

// Single keys, and two in a row such as "g p". No key changes the world. Typing
// in a field is typing; a held modifier belongs to the browser.
export type Keys = Record<string, () => void>

const pause = 900

export function useKeys(keys: Keys) {
  const now = useRef(keys)
  now.current = keys
  useEffect(() => {
    let before = ''
    let when = 0
    const press = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return
      const el = e.target as HTMLElement
      if (el.closest('input, textarea, select, dialog, [contenteditable]')) return
      const pair = e.timeStamp - when < pause ? `${before} ${e.key}` : ''
      const f = (pair && now.current[pair]) || (before !== 'g' || e.timeStamp - when >= pause ? now.current[e.key] : undefined)
      before = e.key
      when = e.timeStamp
      if (!f) return
      e.preventDefault()
      f()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}

import { useEffect, useState } from 'preact/hooks'

// The address is the state: path, query and anchor. Links are plain links.

const changed = 'pitwall-route'

export function go(url: string, replace = false) {
  if (replace) history.replaceState(null, '', url)
  else history.pushState(null, '', url)
  dispatchEvent(new Event(changed))
}

export function useRoute(): URL {
  const [href, set] = useState(location.href)
  useEffect(() => {
    const f = () => set(location.href)
    for (const e of ['popstate', 'hashchange', changed]) addEventListener(e, f)
    return () => {
      for (const e of ['popstate', 'hashchange', changed]) removeEventListener(e, f)
    }
  }, [])
  return new URL(href)
}

// follow lets links inside the app change the page without loading it anew.
export function follow(e: MouseEvent) {
  if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
  const a = (e.target as Element).closest('a')
  if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin) return
  if (/\.html$|^\/(api|metrics|openapi)/.test(a.pathname)) return
  e.preventDefault()
  const anchored = a.pathname === location.pathname
  go(a.href, false)
  if (!anchored) scrollTo(0, 0)
}

// setQuery changes one parameter of the address, or drops it.
export function setQuery(key: string, value: string) {
  const u = new URL(location.href)
  if (value) u.searchParams.set(key, value)
  else u.searchParams.delete(key)
  go(u.href, true)
}

// useTarget goes to the part of the page that the address names, once it is there.
export function useTarget(url: URL, ready: boolean) {
  useEffect(() => {
    const at = ready && url.hash && document.getElementById(url.hash.slice(1))
    if (!at) return
    at.scrollIntoView()
    at.focus({ preventScroll: true })
  }, [url.hash, ready])
}

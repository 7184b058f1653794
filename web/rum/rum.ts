// What a page needs to tell Pitwall how it was for its reader:
//
//   <script defer src="https://pitwall.example/api/v1/rum.js"></script>
//
// data-page on the script names the page (otherwise its path, without ids); a
// <meta name="traceparent"> written by the server joins the page to its trace.
// One beacon leaves when the page is hidden, nothing before, and no cookie is
// set: the session is a random number that dies with the tab.
import { onINP, onLCP, onTTFB } from 'web-vitals'

const script = document.currentScript as HTMLScriptElement | null
const endpoint = new URL('rum', script?.src ?? location.href).href

interface Beacon {
  time: number
  page: string
  session: string
  trace_id?: string
  ttfb_ms?: number
  response_ms?: number
  render_ms?: number
  lcp_ms?: number
  inp_ms?: number
}

const beacon: Beacon = {
  time: Math.round(performance.timeOrigin),
  page: script?.dataset.page ?? withoutIDs(location.pathname),
  session: session(),
  trace_id: document.querySelector<HTMLMetaElement>('meta[name="traceparent"]')?.content.split('-')[1],
}

onTTFB((m) => (beacon.ttfb_ms = m.value))
onLCP((m) => (beacon.lcp_ms = m.value))
onINP((m) => (beacon.inp_ms = m.value))

// The last byte, and from there to the largest paint: what the client did.
function complete(): void {
  const nav = performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming | undefined
  if (nav && nav.responseEnd > 0) {
    beacon.response_ms = nav.responseEnd
    const painted = beacon.lcp_ms ?? nav.domContentLoadedEventEnd
    if (painted >= nav.responseEnd) beacon.render_ms = painted - nav.responseEnd
  }
}

let sent = false
function send(): void {
  if (sent) return
  sent = true
  // The library reports its last values in its own listeners of this event.
  queueMicrotask(() => {
    complete()
    navigator.sendBeacon(endpoint, new Blob([JSON.stringify(beacon)], { type: 'text/plain' }))
  })
}
addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && send(), true)
addEventListener('pagehide', send, true)

function session(): string {
  try {
    const known = sessionStorage.getItem('pitwall-session')
    if (known) return known
    const fresh = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, '0')).join('')
    sessionStorage.setItem('pitwall-session', fresh)
    return fresh
  } catch {
    return '' // storage is forbidden here: every load is its own session
  }
}

// Numbers and long hexadecimal parts of a path are ids: /orders/4711 and
// /orders/4712 are one page.
function withoutIDs(path: string): string {
  return path.replace(/\/(\d+|[0-9a-f-]{16,})(?=\/|$)/gi, '/*')
}

// One stream per browser. The tab that holds the lock reads the server's
// events and passes them on; the others listen. Six connections per host are
// all a browser has on HTTP/1.1, so a stream per tab would freeze the seventh.

export type LiveState = 'live' | 'connecting' | 'reconnecting' | 'polling'

export type News =
  | { type: 'record'; seq: number; plan: string }
  | { type: 'live'; plans: string[] }
  | { type: 'resync' }

type Wire = { news: News } | { state: LiveState } | { ask: true }

type Listener = (n: News) => void

// parseNews reads one server-sent event; what is not known is left alone, so
// that a newer server does no harm.
export function parseNews(name: string, data: string): News | null {
  try {
    const d = JSON.parse(data) as { seq?: number; plan?: string; plans?: string[] }
    if (name === 'record' && typeof d.seq === 'number') return { type: 'record', seq: d.seq, plan: d.plan ?? '' }
    if (name === 'live' && Array.isArray(d.plans)) return { type: 'live', plans: d.plans }
    if (name === 'resync') return { type: 'resync' }
  } catch {
    // a broken event tells nothing; the next poll will
  }
  return null
}

// concerns says whether news is about a plan; no plan means anything.
export function concerns(n: News, plan: string): boolean {
  if (n.type === 'resync' || plan === '') return true
  return n.type === 'record' ? n.plan === plan : n.plans.includes(plan)
}

const pollEvery = 5000
const retryAfter = 3000

export class Live {
  state: LiveState = 'connecting'
  private listeners = new Set<Listener>()
  private watchers = new Set<() => void>()
  private channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('pitwall')
  private source: EventSource | null = null
  private last = ''
  private leader = false

  start() {
    if (!this.channel || !navigator.locks) {
      this.poll()
      return
    }
    this.channel.onmessage = (e: MessageEvent<Wire>) => this.heard(e.data)
    this.channel.postMessage({ ask: true } satisfies Wire)
    void navigator.locks.request('pitwall-stream', () => {
      this.leader = true
      this.open()
      return new Promise<never>(() => {}) // held until the tab is gone
    })
  }

  on(l: Listener): () => void {
    this.listeners.add(l)
    return () => this.listeners.delete(l)
  }

  watch(f: () => void): () => void {
    this.watchers.add(f)
    return () => this.watchers.delete(f)
  }

  private heard(w: Wire) {
    if ('news' in w) this.tell(w.news)
    else if ('state' in w && !this.leader) this.become(w.state)
    else if ('ask' in w && this.leader) this.channel?.postMessage({ state: this.state } satisfies Wire)
  }

  private open() {
    const url = this.last ? `/api/v1/events?after=${this.last}` : '/api/v1/events'
    const s = new EventSource(url)
    this.source = s
    s.onopen = () => this.become('live')
    s.onerror = () => {
      this.become('reconnecting')
      if (s.readyState === EventSource.CLOSED) {
        s.close()
        setTimeout(() => this.source === s && this.open(), retryAfter)
      }
    }
    for (const name of ['record', 'live', 'resync', 'hello']) {
      s.addEventListener(name, (e) => {
        const m = e as MessageEvent<string>
        if (m.lastEventId) this.last = m.lastEventId
        this.become('live')
        const n = parseNews(name, m.data)
        if (!n) return
        this.tell(n)
        this.channel?.postMessage({ news: n } satisfies Wire)
      })
    }
  }

  // poll is the way without a stream: every listener is told to look again.
  private poll() {
    this.become('polling')
    setInterval(() => this.tell({ type: 'resync' }), pollEvery)
  }

  private become(s: LiveState) {
    if (this.leader) this.channel?.postMessage({ state: s } satisfies Wire)
    if (s === this.state) return
    this.state = s
    for (const f of this.watchers) f()
  }

  private tell(n: News) {
    for (const l of this.listeners) l(n)
  }
}

export const live = new Live()

import type { Asked, DiagnosisView, FlameBox, RequestView } from '../types'

// A small flame graph: what was narrow in the baseline is wide now.
//   all ─┬ serve ─┬ decode
//        │        └ price
//        └ gc (new)
const box = (name: string, depth: number, now: [number, number], was: [number, number]): FlameBox => ({
  name, depth, before: '1 ms', after: '2 ms', change: '×2', x: now[0], w: now[1], x_before: was[0], w_before: was[1], heat: 1, tone: 'warn',
})
export const tree = [
  box('all', 0, [0, 1], [0, 1]),
  box('net/http.serve', 1, [0, 0.75], [0, 1]),
  box('encoding/json.decode', 2, [0, 0.5], [0, 0.2]),
  box('shop.price', 2, [0.5, 0.25], [0.2, 0.8]),
  box('runtime.gc', 1, [0.75, 0.25], [1, 0]),
]

export const asked: Asked = {
  text: 'Why?', service: 'checkout', operation: 'POST /checkout', signal: 'latency', facts: [],
  onset: { at: '2026-03-02T14:05:14Z', earliest: '', latest: '' },
  baseline: { from: '2026-03-02T14:02:00Z', to: '2026-03-02T14:05:00Z' }, window: { from: '2026-03-02T14:05:14Z', to: '2026-03-02T14:05:47Z' },
}

export const request = (trace_id: string, kind: string): RequestView => ({ trace_id, kind, title: kind, duration: '1 s', spans: [] })

export const view: DiagnosisView = {
  schema: 'pitwall.diagnosis-view/1', at: '', title: '', verdict: 'none', verdict_word: '', tone: 'none', sentence: '', meaning: '', question: asked, check_text: '',
  checks: [], hypothesis_text: '', hypotheses: [], contrasts: [], changes: [], not_the_cause: [], charts: [], gaps: [],
  links: { app: '', html: '', markdown: '', json: '', ask: '' },
}

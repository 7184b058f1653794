import type { Asked, DiagnosisView, FlameBox, Period, RequestView } from '../types'

const two = (n: number) => String(n).padStart(2, '0')

// toInput is an instant as a field for date and time wants it, in UTC or here.
export function toInput(t: string | number, utc: boolean): string {
  const d = new Date(t)
  if (t === '' || isNaN(d.getTime()) || d.getTime() <= 0) return ''
  if (utc) return d.toISOString().slice(0, 19)
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

// fromInput is the instant that a field holds, for an address; '': none.
export function fromInput(text: string, utc: boolean): string {
  const d = new Date(utc && text ? text + 'Z' : text)
  return isNaN(d.getTime()) ? '' : instant(d.getTime())
}

// instant is a time for an address: whole seconds, UTC.
export const instant = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000', '')

export const keys = ['service', 'operation', 'signal', 'from', 'to', 'baseline_from', 'baseline_to'] as const
export type Question = Record<(typeof keys)[number], string>

// questionOf reads a question from an address.
export function questionOf(p: URLSearchParams): Question {
  return Object.fromEntries(keys.map((k) => [k, p.get(k) ?? ''])) as Question
}

// query is a question for an address; what is not said is left out.
export function query(q: Partial<Question>): string {
  const u = new URLSearchParams()
  for (const k of keys) if (q[k]) u.set(k, q[k])
  return u.toString()
}

// complete says whether a question can be asked.
export const complete = (q: Question): boolean => !!(q.service && q.from && q.to)

// again is the question after a stretch of time was marked: to be explained, or
// to be taken as normal. A baseline that would overlap is left to the server,
// which takes as much time right before.
export function again(a: Asked, marked: Period, as: 'window' | 'baseline'): Question {
  const p = as === 'window' ? { window: marked, baseline: a.baseline } : { window: a.window, baseline: marked }
  const fits = p.baseline.from && new Date(p.baseline.to) <= new Date(p.window.from) && new Date(p.baseline.from) < new Date(p.baseline.to)
  return {
    service: a.service, operation: a.operation ?? '', signal: a.signal, from: p.window.from, to: p.window.to,
    baseline_from: fits ? p.baseline.from : '', baseline_to: fits ? p.baseline.to : '',
  }
}

// markedOf reads what was marked from an address.
export function markedOf(text: string | null): Period | null {
  const [from, to] = (text ?? '').split('..')
  if (!from || !to || !(new Date(from) < new Date(to))) return null
  return { from, to }
}

// recent is the question about the last minutes.
export function recent(now: number, minutes: number): Pick<Question, 'from' | 'to' | 'baseline_from' | 'baseline_to'> {
  return { from: instant(now - minutes * 60_000), to: instant(now), baseline_from: '', baseline_to: '' }
}

// before moves the baseline: as long as the window, ended so long before it.
export function baselineBefore(q: Question, ms: number): Pick<Question, 'baseline_from' | 'baseline_to'> {
  if (!ms || !q.from || !q.to) return { baseline_from: '', baseline_to: '' }
  return { baseline_from: instant(Date.parse(q.from) - ms), baseline_to: instant(Date.parse(q.to) - ms) }
}

export interface Placed { i: number; box: FlameBox; left: number; width: number; row: number }

// zoomed lays the frames of a flame graph out below one of them: what contains it
// fills the width, what it calls shares it, all else is gone. Frames too narrow
// to be seen are left out; they are in the tables.
export function zoomed(tree: FlameBox[], at: number, baseline: boolean): Placed[] {
  const x = (b: FlameBox) => (baseline ? b.x_before : b.x)
  const w = (b: FlameBox) => (baseline ? b.w_before : b.w)
  const root = tree[at]
  if (!root || w(root) <= 0) return at > 0 ? zoomed(tree, -1, baseline) : at === 0 ? [] : place(tree, 0, 1)
  return place(tree, x(root), w(root))

  function place(list: FlameBox[], from: number, wide: number): Placed[] {
    const above = at >= 0 ? parents(list, at) : []
    const end = at >= 0 ? below(list, at) : list.length
    const out: Placed[] = []
    list.forEach((box, i) => {
      if (above.includes(i)) out.push({ i, box, left: 0, width: 1, row: box.depth })
      else if (at < 0 || (i >= at && i < end)) {
        const width = w(box) / wide
        if (width > 0.0008) out.push({ i, box, left: (x(box) - from) / wide, width, row: box.depth })
      }
    })
    return out
  }
}

// parents are the frames that contain one, the outermost first.
export function parents(tree: FlameBox[], at: number): number[] {
  const out: number[] = []
  let depth = tree[at]?.depth ?? 0
  for (let i = at - 1; i >= 0 && depth > 0; i--) {
    if (tree[i]!.depth < depth) {
      depth = tree[i]!.depth
      out.unshift(i)
    }
  }
  return out
}

// below is the end of what a frame contains.
export function below(tree: FlameBox[], at: number): number {
  let end = at + 1
  while (end < tree.length && tree[end]!.depth > tree[at]!.depth) end++
  return end
}

// step moves from a frame to the one in a direction; among those that are shown.
export function step(shown: Placed[], at: number, key: string): number {
  const here = shown.find((p) => p.i === at) ?? shown[0]
  if (!here) return at
  const row = (r: number) => shown.filter((p) => p.row === r)
  const same = row(here.row)
  const place = same.findIndex((p) => p.i === here.i)
  const middle = here.left + here.width / 2
  const over = (r: number) => row(r).find((p) => p.left <= middle && middle <= p.left + p.width)
  switch (key) {
    case 'ArrowLeft':
      return (same[place - 1] ?? here).i
    case 'ArrowRight':
      return (same[place + 1] ?? here).i
    case 'ArrowUp':
      return (over(here.row - 1) ?? here).i
    case 'ArrowDown':
      return (row(here.row + 1).find((p) => p.left >= here.left - 1e-9 && p.left < here.left + here.width) ?? here).i
  }
  return at
}

// short drops the path of a function's package: what differs comes last.
export const short = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

// pairOf chooses which requests stand side by side: the asked slow one, and the
// first typical one.
export function pairOf(list: RequestView[], asked: string): RequestView[] {
  const slow = list.filter((t) => t.kind !== 'typical')
  const chosen = slow.find((t) => t.trace_id === asked) ?? slow[0]
  const typical = list.find((t) => t.kind === 'typical')
  return [chosen, typical].filter((t) => t !== undefined)
}

// partsOf lists what is on the page, with how many there are.
export function partsOf(v: DiagnosisView): [string, string][] {
  const count = (word: string, n: number) => `${word} ${n}`
  const list: [string, string, boolean][] = [
    ['question', 'Question', true],
    ['checks', count('Checks', v.checks.length), true],
    ['hypotheses', count('Hypotheses', v.hypotheses.length), v.hypotheses.length > 0],
    ['waterfall', 'Time', !!v.waterfall],
    ['contrasts', count('Attributes', v.contrasts.length), v.contrasts.length > 0],
    ['flame', 'Profile', !!v.flame],
    ['traces', 'Requests', !!v.traces],
    ['changes', count('Changes', v.changes.length), v.changes.length > 0],
    ['not', 'Not the cause', true],
    ['gaps', 'Not shown', v.gaps.length > 0],
  ]
  return list.filter((p) => p[2]).map(([id, word]) => [id, word])
}

// services and operations that are known, from what spans added up to.
export function choices(rows: { service: string; operation: string; kind: number; count: number }[], service: string): { services: string[]; operations: string[] } {
  const servers = rows.filter((r) => r.kind === 2 || r.kind === 5)
  const services = [...new Set(servers.map((r) => r.service))].sort()
  const operations = [...new Set(servers.filter((r) => !service || r.service === service).map((r) => r.operation))].sort()
  return { services, operations }
}

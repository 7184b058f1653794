import { expect, test } from 'vitest'
import { asked, request, tree, view } from './fixtures'
import { again, baselineBefore, below, choices, complete, fromInput, instant, markedOf, pairOf, parents, partsOf, query, questionOf, recent, short, step, toInput, zoomed } from './words'

test('a question survives its address', () => {
  const q = questionOf(new URLSearchParams('service=checkout&operation=POST+%2Fcheckout&from=2026-03-02T14:05:00Z&to=2026-03-02T14:20:00Z&frame=3'))
  expect(questionOf(new URLSearchParams(query(q)))).toEqual(q)
  expect(query(q)).not.toContain('frame')
  expect(query(q)).not.toContain('baseline')
  expect(complete(q)).toBe(true)
  expect(complete({ ...q, service: '' })).toBe(false)
})

test('fields hold instants in UTC or here, and give them back', () => {
  expect(toInput('2026-03-02T14:05:14Z', true)).toBe('2026-03-02T14:05:14')
  for (const utc of [true, false]) expect(fromInput(toInput('2026-03-02T14:05:14Z', utc), utc)).toBe('2026-03-02T14:05:14Z')
  expect(fromInput('2026-03-02T14:05', true)).toBe('2026-03-02T14:05:00Z')
  for (const nothing of ['', 'soon']) {
    expect(fromInput(nothing, true)).toBe('')
    expect(toInput(nothing, false)).toBe('')
  }
  expect(instant(1772460314999)).toBe('2026-03-02T14:05:14Z')
})

test('what is marked becomes the window, or the baseline where it fits', () => {
  const late = { from: '2026-03-02T14:06:00Z', to: '2026-03-02T14:07:00Z' }
  expect(again(asked, late, 'window')).toMatchObject({ from: late.from, to: late.to, baseline_from: asked.baseline.from, baseline_to: asked.baseline.to, service: 'checkout', signal: 'latency' })
  const early = { from: '2026-03-02T14:03:00Z', to: '2026-03-02T14:04:00Z' }
  expect(again(asked, early, 'baseline')).toMatchObject({ from: asked.window.from, baseline_from: early.from, baseline_to: early.to })
  // a window inside the old baseline, and a baseline after the window, leave the baseline to the server
  expect(again(asked, early, 'window').baseline_from).toBe('')
  expect(again(asked, late, 'baseline').baseline_from).toBe('')
})

test('what is marked is read from the address', () => {
  expect(markedOf('2026-03-02T14:03:00Z..2026-03-02T14:04:00Z')).toEqual({ from: '2026-03-02T14:03:00Z', to: '2026-03-02T14:04:00Z' })
  for (const bad of [null, '', 'x..y', '2026-03-02T14:04:00Z..2026-03-02T14:03:00Z', '2026-03-02T14:04:00Z']) expect(markedOf(bad)).toBeNull()
})

test('quick periods', () => {
  const now = Date.parse('2026-03-02T14:20:00Z')
  const q = { ...questionOf(new URLSearchParams()), ...recent(now, 15) }
  expect([q.from, q.to, q.baseline_from]).toEqual(['2026-03-02T14:05:00Z', '2026-03-02T14:20:00Z', ''])
  expect(baselineBefore(q, 24 * 3600_000)).toEqual({ baseline_from: '2026-03-01T14:05:00Z', baseline_to: '2026-03-01T14:20:00Z' })
  expect(baselineBefore(q, 0).baseline_from).toBe('')
})

test('a frame is narrowed to: it fills the width, and so does what contains it', () => {
  expect(zoomed(tree, -1, false).map((p) => [p.i, p.left, p.width])).toEqual([[0, 0, 1], [1, 0, 0.75], [2, 0, 0.5], [3, 0.5, 0.25], [4, 0.75, 0.25]])
  const at = zoomed(tree, 3, false)
  expect(at.map((p) => p.i)).toEqual([0, 1, 3])
  for (const p of at) expect([p.left, p.width]).toEqual([0, 1])
  // what did not run in the baseline has no width there
  expect(zoomed(tree, -1, true).map((p) => p.i)).toEqual([0, 1, 2, 3])
  // and narrowing to it there shows everything rather than nothing
  expect(zoomed(tree, 4, true).length).toBe(4)
  expect(zoomed([], -1, false)).toEqual([])
  expect(zoomed(tree, 99, false).length).toBe(5)
})

test('frames contain frames', () => {
  expect(parents(tree, 3)).toEqual([0, 1])
  expect(parents(tree, 0)).toEqual([])
  expect(below(tree, 1)).toBe(4)
  expect(below(tree, 4)).toBe(5)
})

test('arrow keys walk over frames and stay inside', () => {
  const shown = zoomed(tree, -1, false)
  const walk = (at: number, ...keys: string[]) => keys.reduce((i, k) => step(shown, i, 'Arrow' + k), at)
  expect(walk(0, 'Down')).toBe(1)
  expect(walk(0, 'Down', 'Right')).toBe(4)
  expect(walk(3, 'Up')).toBe(1)
  expect(walk(3, 'Left')).toBe(2)
  expect(walk(4, 'Down')).toBe(4)
  expect(walk(0, 'Up', 'Left', 'Right')).toBe(0)
  expect(step([], 2, 'ArrowUp')).toBe(2)
})

test('a slow request stands beside a typical one', () => {
  const list = [request('a', 'slow'), request('b', 'slow'), request('c', 'typical')]
  expect(pairOf(list, 'b').map((t) => t.trace_id)).toEqual(['b', 'c'])
  expect(pairOf(list, 'gone').map((t) => t.trace_id)).toEqual(['a', 'c'])
  expect(pairOf([list[2]!], '').map((t) => t.trace_id)).toEqual(['c'])
})

test('only what is there is named on the way through the page', () => {
  expect(partsOf(view).map((p) => p[0])).toEqual(['question', 'checks', 'not'])
  expect(partsOf({ ...view, gaps: [{ part: 'flame', title: 'Profile', why: 'x' }], traces: { summary: '', scale: '', traces: [], rows: [] } }).map((p) => p[0])).toEqual(['question', 'checks', 'traces', 'not', 'gaps'])
})

test('what can be asked about: servers and consumers, each once', () => {
  const row = (service: string, operation: string, kind = 2) => ({ service, operation, kind, count: 1 })
  const rows = [row('b', 'GET /'), row('a', 'POST /x'), row('a', 'POST /x'), row('a', 'work', 5), row('a', 'call', 3)]
  expect(choices(rows, '')).toEqual({ services: ['a', 'b'], operations: ['GET /', 'POST /x', 'work'] })
  expect(choices(rows, 'b').operations).toEqual(['GET /'])
  expect(short('encoding/json.(*decodeState).object')).toBe('json.(*decodeState).object')
})

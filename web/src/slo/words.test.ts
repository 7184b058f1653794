import { describe, expect, it } from 'vitest'
import { tick } from '../time'
import type { Budget, SLORow, SLOView, WhatIfRow } from '../types'
import { asShown, row } from './fixtures'
import { chosen, correctLine, corrected, counted, ends, fits, kindOf, leftAndSeen, measuredMaths, objectiveMaths, opOf, passed, placed, precise, pressed, ranges, replayPath, spoken, textOf } from './words'

const budget = (b: Partial<Budget>): Budget => ({
  at: '2026-03-02T14:20:00Z', target: 0.99, counts: { good: 990, bad: 10 }, spent: 1, known: true, coverage: 1, burn_known: true, ends_in: 0,
  window: { from: '2026-01-31T14:20:00Z', to: '2026-03-02T14:20:00Z' }, ...b,
})

describe('the list', () => {
  it('knows the state behind its detail', () => {
    const kind = (r: Partial<SLORow>) => kindOf(row(r))
    expect([kind({ state: 'burning (fast)' }), kind({ state: 'spending' }), kind({ state: 'overspent' }), kind({ state: 'no requests now' }), kind({ state: 'no data' }), kind({ state: 'calm' }), kind({ state: 'alerting (day-50)' })]).toEqual(['burning', 'spending', 'overspent', 'no data', 'no data', 'calm', 'alerting'])
    expect(kind({ state: 'calm', problem: 'connection refused' })).toBe('no data') // what cannot be read is not calm
  })
  it('filters by words, service and state', () => {
    const r = row({ name: 'pay-latency', service: 'payment', owner: 'team-pay', state: 'burning (fast)' })
    const f = (q: string, service = '', state = '') => fits(r, textOf(r), { q, service, state })
    expect([f(''), f('PAY team'), f('fast pay'), f('pay checkout')]).toEqual([true, true, true, false])
    expect([f('', 'payment'), f('', 'pay'), f('', '', 'burning'), f('pay', 'payment', 'calm')]).toEqual([true, false, true, false])
  })
  it('keeps families together, where the worst of them stands', () => {
    const rows = [row({ name: 'a' }), row({ name: 'm1', part_of: 'j' }), row({ name: 'b' }), row({ name: 'j' }), row({ name: 'm2', part_of: 'j' }), row({ name: 'c' })]
    expect(asShown(placed(rows))).toEqual(['a', 'j', '> m1', '> m2', 'b', 'c'])
  })
  it('loses no row: without its composite, in a ring, under itself', () => {
    expect(asShown(placed([row({ name: 'm', part_of: 'filtered-away' }), row({ name: 'x' })]))).toEqual(['m', 'x'])
    expect(placed([row({ name: 'p', part_of: 'q' }), row({ name: 'q', part_of: 'p' }), row({ name: 's', part_of: 's' })])).toHaveLength(3)
  })
  it('is quick with ten thousand rows', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => row({ name: `slo-${i}`, service: `s${i % 40}`, part_of: i % 10 ? `slo-${i - (i % 10)}` : '' }))
    const texts = rows.map(textOf)
    const from = performance.now()
    const found = placed(rows.filter((r, i) => fits(r, texts[i]!, { q: 's1', service: '', state: '' })))
    expect(found.length).toBeGreaterThan(1000)
    expect(performance.now() - from).toBeLessThan(500)
    expect(placed(rows)).toHaveLength(10_000)
  })
})

describe('charts', () => {
  it('can be asked for what there is', () => {
    expect(ranges(30 * 86_400).map((r) => r.asked)).toEqual(['1h', '6h', '24h', '2592000s'])
    expect(ranges(7 * 3600).map((r) => r.name)).toEqual(['1 h', '6 h', 'window'])
    expect(ranges(3600).map((r) => r.asked)).toEqual(['3600s'])
    expect(ranges(5)).toEqual([])
  })
  it('say what they show', () => {
    const list = ranges(30 * 86_400)
    expect(pressed(list, { from: '2026-03-02T13:20:00Z', to: '2026-03-02T14:20:10Z' })).toBe('1h')
    expect(pressed(list, { from: '2026-03-02T12:20:00Z', to: '2026-03-02T14:20:00Z' })).toBe('')
  })
  it('name days when an axis is long', () => {
    const t = Date.parse('2026-03-02T14:05:41Z')
    expect([tick(t, true, 3600e3), tick(t, true, 48 * 3600e3), tick(t, true, 720 * 3600e3)]).toEqual(['14:05:41', '03-02 14:05', '03-02'])
  })
})

describe('numbers', () => {
  it('keep their nines', () => {
    expect([precise(1 - 0.99), precise(1 - 0.99999), precise(0.5), precise(-0.02), precise(NaN)]).toEqual(['1 %', '0.001 %', '50 %', '−2 %', 'no data'])
  })
  it('say when a budget ends, and why it does not', () => {
    const f = (r: Partial<SLORow>, b: Partial<Budget>) => ends(row(r), budget(b))
    expect(f({ left: 0.5, ends_in: '3 h' }, { ends_in: 1e12 })).toBe('ends in 3 h at this pace')
    expect(f({ left: 0.5 }, {})).toBe('does not end at this pace')
    expect(f({ left: 0.5 }, { burn_known: false })).toBe('nothing comes in now, so its end is not known')
    expect(f({ left: -0.1, ends_in: '3 h' }, { ends_in: 1e12 })).toBe('there is none left')
    expect(f({}, { known: false })).toBe('nothing was counted in the window')
  })
  it('keep the short of it apart from how much was seen', () => {
    expect([leftAndSeen('62 % left'), leftAndSeen('overspent by 12 % of the 2 h seen (window 30 d)')]).toEqual([['62 % left', ''], ['overspent by 12 %', 'of the 2 h seen (window 30 d)']])
  })
  it('count slices as slices', () => {
    const v = { ...row({ good: '1,201', bad: '7' }), budget: budget({}) } as SLOView
    expect([counted(v), counted({ ...v, budget: budget({ slices: { good: 29_240, bad: 93 } }) })]).toEqual(['1,201 good, 7 bad', '29,240 good slices, 93 bad'])
  })
  it('say what is left out', () => {
    expect([corrected(budget({})), corrected(budget({ corrected: 4.5 * 3600e9 })), corrected(budget({ corrected: 2 * 3600e9 }))]).toEqual(['', '4 h 30 m of the window is left out', '2 h of the window is left out'])
  })
  it('tell a calendar period from a window that rolls', () => {
    expect(passed(budget({}))).toBeNull()
    expect(passed(budget({ window: { from: '0001-01-01T00:00:00Z', to: '0001-01-01T00:00:00Z' } }))).toBeNull()
    const p = passed(budget({ window: { from: '2026-03-01T14:20:00Z', to: '2026-03-05T14:20:00Z' } }))!
    expect([p.share, p.text, p.ends]).toEqual([0.25, '24 h 0 m of 4 d', '2026-03-05T14:20:00Z'])
  })
  it('show the maths of the objective and of what was measured', () => {
    const v = { ...row({ target: '99.9 %', measured: '99 %', maths: { title: 'Error budget', query: 'ledger x', lines: [{ label: 'window', value: '30 d' }, { label: 'spent', value: '1' }] } }), budget: budget({ target: 0.999 }) } as SLOView
    expect(objectiveMaths(v).lines!.find((l) => l.label === 'allowed bad')!.value).toBe('1 − 99.9 % = 0.1 %')
    const m = measuredMaths(v)!
    expect([m.query, m.lines!.map((l) => `${l.label} ${l.value}`)]).toEqual(['ledger x', ['good 990', 'bad 10', 'measured 990 / 1,000 = 99 %', 'window 30 d']])
    const s = measuredMaths({ ...v, budget: budget({ slices: { good: 9, bad: 1 } }) })!
    expect(s.formula).toContain('good slices / (good slices + bad slices)')
    expect(measuredMaths({ ...v, budget: budget({ known: false }) })).toBe(v.maths)
  })
})

const stop = (r: Partial<WhatIfRow>): WhatIfRow => ({ target: 0.99, target_text: '99 %', measured: '99.6 %', left: 0.6, left_text: '60 % left', pages: 3, pages_per_week: '0.7', current: false, tone: 'ok', ...r })

describe('what if', () => {
  const rows = [stop({ target: 0.9 }), stop({ current: true }), stop({ target: 0.999 })]
  it('begins at the objective of now, or at the address', () => {
    expect([chosen(rows, ''), chosen(rows, '0.999'), chosen(rows, '0.9951'), chosen(rows, 'x'), chosen([], '0.9'), chosen([stop({})], '')]).toEqual([1, 2, 2, 1, 0, 0])
  })
  it('is heard whole', () => {
    expect(spoken(rows[1]!)).toBe('99 %, the objective of now: measured 99.6 %, budget 60 % left, 0.7 pages a week')
    expect(spoken(stop({ refused: 'page cannot fire' }))).toMatch(/; page cannot fire$/)
  })
})

describe('the rest', () => {
  it('asks for the own tiers by naming none', () => {
    expect([replayPath('a b', 'own'), replayPath('x', 'pyrra-28d')]).toEqual(['/api/v1/slos/a%20b/replay', '/api/v1/slos/x/replay?preset=pyrra-28d'])
  })
  it('writes a command that changes nothing yet', () => {
    expect(correctLine('x', Date.parse('2026-03-02T14:20:31Z'))).toBe('pitwall slo correct --slo x --from 2026-03-02T13:20:00Z --to 2026-03-02T14:20:00Z --reason "why" --dry-run')
  })
  it('draws a diff', () => {
    expect(['+ a', '- b', '  c', '…', '- --', '+ ++', ''].map(opOf)).toEqual(['add', 'del', '', 'hunk', 'del', 'add', ''])
  })
})

// The words and orders of the SLO pages that depend on the whole of a list, on
// the reader, or on one number put differently. Pure.

import { count } from '../settings/words'
import { span } from '../time'
import type { Budget, Maths, Period, SLORow, SLOView, WhatIfRow } from '../types'

// kinds are the states that the list can be narrowed to.
export const kinds = ['burning', 'alerting', 'overspent', 'spending', 'no data', 'calm'] as const
export type Kind = (typeof kinds)[number]

// kindOf is the state of a row without its detail, such as the tier.
export function kindOf(r: SLORow): Kind {
  if (r.problem || r.state.startsWith('no ')) return 'no data' // "no data", "no requests now"
  return kinds.find((k) => r.state.startsWith(k)) ?? 'calm'
}

export interface Asked { q: string; service: string; state: string }

// textOf is what a filter looks into.
export function textOf(r: SLORow): string {
  return `${r.name} ${r.title} ${r.service} ${r.owner ?? ''} ${r.objective} ${r.state}`.toLowerCase()
}

export function fits(r: SLORow, text: string, a: Asked): boolean {
  if (a.service && r.service !== a.service) return false
  if (a.state && kindOf(r) !== a.state) return false
  return !a.q || a.q.toLowerCase().split(/\s+/).every((w) => text.includes(w))
}

export interface Placed { row: SLORow; inside: boolean }

// placed puts the members of a composite right below it. Rows come the worst
// first; a composite stands where the worst of its family would.
export function placed(rows: SLORow[]): Placed[] {
  const here = new Map(rows.map((r) => [r.name, r]))
  const family = new Map<string, SLORow[]>()
  const home = (r: SLORow) => (r.part_of && r.part_of !== r.name && here.has(r.part_of) ? r.part_of : '')
  for (const r of rows) {
    const of = home(r)
    if (of && !family.get(of)?.push(r)) family.set(of, [r])
  }
  const list: Placed[] = []
  const done = new Set<string>()
  const put = (r: SLORow, inside: boolean) => {
    if (done.has(r.name)) return
    done.add(r.name)
    list.push({ row: r, inside })
    for (const m of family.get(r.name) ?? []) put(m, true)
  }
  for (const r of rows) {
    let top = r
    for (let i = 0; home(top) && i < 8; i++) top = here.get(home(top))!
    put(top, false)
    put(r, true) // a ring of composites has no top
  }
  return list
}

export interface Range { name: string; seconds: number; asked: string }

// ranges are the lengths charts can be asked for, the window last.
export function ranges(longest: number): Range[] {
  const whole: Range[] = longest >= 60 ? [{ name: 'window', seconds: Math.floor(longest), asked: `${Math.floor(longest)}s` }] : []
  return [{ name: '1 h', seconds: 3600, asked: '1h' }, { name: '6 h', seconds: 6 * 3600, asked: '6h' }, { name: '1 d', seconds: 86_400, asked: '24h' }]
    .filter((r) => r.seconds < longest * 0.99)
    .concat(whole)
}

// pressed is the range that a period is, if any.
export function pressed(list: Range[], p: Period): string {
  const s = (Date.parse(p.to) - Date.parse(p.from)) / 1000
  return list.find((r) => Math.abs(s - r.seconds) < r.seconds * 0.02)?.asked ?? ''
}

// precise prints a share with three digits that mean something: five nines stay
// five nines.
export function precise(share: number): string {
  if (!isFinite(share)) return 'no data'
  return `${String(Number((share * 100).toPrecision(3))).replace('-', '−')} %`
}

const ms = (ns: number) => ns / 1e6

// ends says when the budget is gone at the pace of now.
export function ends(v: SLORow, b: Budget): string {
  if (!b.known) return 'nothing was counted in the window'
  if (v.left <= 0) return 'there is none left'
  if (!b.burn_known) return 'nothing comes in now, so its end is not known'
  return b.ends_in > 0 ? `ends in ${v.ends_in} at this pace` : 'does not end at this pace'
}

// leftAndSeen takes "96 % left of the 2 h seen (window 30 d)" apart.
export function leftAndSeen(text: string): [string, string] {
  const at = text.indexOf(' of the ')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

// counted is what a measured share is a share of.
export function counted(v: SLOView): string {
  const s = v.budget.slices
  return s ? `${count(s.good)} good slices, ${count(s.bad)} bad` : `${v.good} good, ${v.bad} bad`
}

// corrected says how much time is left out.
export function corrected(b: Budget): string {
  return b.corrected ? `${span(ms(b.corrected)).replace(/ 0 [hms]$/, '')} of the window is left out` : ''
}

export interface Passed { share: number; text: string; ends: string }

// passed is how far a calendar period is; null for a window that rolls.
export function passed(b: Budget): Passed | null {
  const [from, to, at] = [Date.parse(b.window.from), Date.parse(b.window.to), Date.parse(b.at)]
  if (!(to > at && at >= from && from > 0)) return null
  return { share: (at - from) / (to - from), text: `${span(at - from)} of ${span(to - from).replace(/ 0 h$/, '')}`, ends: b.window.to }
}

// objectiveMaths and measuredMaths are the maths of the budget, told for one number.
export function objectiveMaths(v: SLOView): Maths {
  return {
    title: 'The objective', formula: 'allowed bad share = 1 − target', at: v.budget.at,
    lines: [
      { label: 'objective', value: v.objective },
      { label: 'target', value: v.target },
      { label: 'allowed bad', value: `1 − ${v.target} = ${precise(1 - v.budget.target)}` },
      { label: 'window', value: v.window },
      { label: 'counted from', value: v.counted },
      { label: 'written in', value: v.source },
    ],
  }
}

export function measuredMaths(v: SLOView): Maths | undefined {
  if (!v.budget.known) return v.maths
  const c = v.budget.slices ?? v.budget.counts
  const what = v.budget.slices ? ' slices' : ''
  return {
    title: 'Measured', formula: `measured = good${what} / (good${what} + bad${what})`, query: v.maths?.query, at: v.budget.at,
    lines: [
      { label: `good${what}`, value: count(c.good) },
      { label: `bad${what}`, value: count(c.bad) },
      { label: 'measured', value: `${count(c.good)} / ${count(c.good + c.bad)} = ${v.measured}` },
      ...(v.maths?.lines ?? []).filter((l) => l.label === 'window' || l.label === 'steps with data'),
    ],
  }
}

// spoken is a row of the slider for those who hear it.
export function spoken(r: WhatIfRow): string {
  const now = r.current ? ', the objective of now' : ''
  return `${r.target_text}${now}: measured ${r.measured}, budget ${r.left_text}, ${r.pages_per_week} pages a week${r.refused ? `; ${r.refused}` : ''}`
}

// chosen is the row of a target in the address: the nearest to it, or else the
// row of now.
export function chosen(rows: WhatIfRow[], target: string): number {
  const want = Number(target)
  if (target && isFinite(want) && rows.length) {
    return rows.reduce((best, r, i) => (Math.abs(r.target - want) < Math.abs(rows[best]!.target - want) ? i : best), 0)
  }
  return Math.max(0, rows.findIndex((r) => r.current))
}

// policies are what a replay can run: the objective's own tiers, and the presets.
export const policies = ['own', 'pitwall-default', 'sre-workbook', 'pyrra-28d', 'daily-budget', 'slo-generator']

// replayPath asks for the own tiers by naming none.
export function replayPath(name: string, policy: string): string {
  const query = policy === 'own' ? '' : `?preset=${encodeURIComponent(policy)}`
  return `/api/v1/slos/${encodeURIComponent(name)}/replay${query}`
}

// correctLine is the command that takes time out of a budget, as of its evaluation.
export function correctLine(name: string, now: number): string {
  const end = now > 0 ? now : Date.now()
  const at = (t: number) => new Date(t).toISOString().slice(0, 17) + '00Z'
  return `pitwall slo correct --slo ${name} --from ${at(end - 3600_000)} --to ${at(end)} --reason "why" --dry-run`
}

// opOf is how a line of a definition's diff is drawn; … stands for what stayed.
export function opOf(line: string): '' | 'add' | 'del' | 'hunk' {
  if (line === '…') return 'hunk'
  return line.startsWith('+') ? 'add' : line.startsWith('-') ? 'del' : ''
}

import type { SLORow } from '../types'
import type { Placed } from './words'

// Rows for tests of words and orders.

export const row = (r: Partial<SLORow>): SLORow => ({
  name: 'x', title: 'x', service: 's', objective: '99 % of requests of s', counted: 'spans', window: 'over 30 d', target: '99 %', measured: '99 %', good: '990', bad: '10',
  left: 0, left_text: '0 % left', burn: '1×', ends_in: '–', state: 'calm', tone: 'ok', tiers: [], source: 'x.yaml:1', ...r,
})

export const asShown = (list: Placed[]) => list.map((p) => (p.inside ? '> ' : '') + p.row.name)

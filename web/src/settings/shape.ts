// What GET /api/v1/telemetry and /api/v1/config answer. Numbers are raw here,
// for bars and the order of rows; what is worded for both the page and the
// command line comes in view.

import type { Tone } from '../types'

export type Signal = string
export interface Source { name: string; signal?: Signal; up: boolean; last_seen: string; lag_s?: number; accepted: number; rejected: number; duplicates?: number; message?: string; blind?: string }
export interface Service { service: string; versions: string[] | null; requests: number; has: Signal[] | null; missing: Signal[] | null }
export interface Volume {
  signal: Signal; per_second: number; unit: string; bytes: number; bytes_per_day: number; retention_ns: number; budget_bytes: number
  since?: string; cost_per_retention_day?: number; currency?: string
}
export interface Named { name: string; count: number }
export interface Cardinality { series: number; metrics: Named[] | null; labels: Named[] | null; of_ns: number }
export interface Target { name: string; service?: string; up: boolean; message?: string }
export interface Blind { service?: string; signal?: Signal; what: string; means: string; remedy: string; link?: string; stops?: string }

export interface DriftRow { service: string; release: string; what: string; change: string; means: string }
export interface CoverageRow { service: string; tone: Tone; versions: string; requests: string; context: string }

export interface Telemetry {
  at: string
  period: { from: string; to: string }
  sources: Source[]
  services: Service[]
  signals: Volume[]
  cardinality?: Cardinality
  targets: Target[]
  blind: Blind[]
  view: { sentence: string; tone: Tone; period: string; context: string; services: CoverageRow[]; drifts: DriftRow[] }
}

export interface Setting { key: string; value: string; origin: string }
export interface Config { keys: Setting[]; version?: string }

// whole puts an empty list where a server wrote null.
export function whole(t: Telemetry): Telemetry {
  const view = { ...t.view, services: t.view.services ?? [], drifts: t.view.drifts ?? [] }
  return { ...t, view, sources: t.sources ?? [], services: t.services ?? [], signals: t.signals ?? [], targets: t.targets ?? [], blind: t.blind ?? [] }
}

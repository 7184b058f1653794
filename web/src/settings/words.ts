// The words of the Settings page that depend on the reader's clock or on the
// whole of a table. Pure.

import { ago, span } from '../time'
import type { Tone } from '../types'
import { sig } from '../units'
import type { Blind, Service, Setting, Signal, Source, Telemetry, Volume } from './shape'

export const signals: Signal[] = ['traces', 'metrics', 'logs', 'profiles', 'changes']

export const ever = (t: string | undefined) => !!t && Date.parse(t) > 0

export interface Health { tone: Tone; word: string; since?: string }

const refusingFrom = 0.01 // share of what came in

// health says how a source stands. Nobody sending is not the same as broken.
export function health(s: Source, from: string): Health {
  const all = s.accepted + s.rejected
  if (s.up && s.rejected > 0 && !s.accepted) return { tone: 'bad', word: 'refusing everything' }
  if (!ever(s.last_seen)) return s.up || !s.message ? { tone: 'no-data', word: 'never seen' } : { tone: 'bad', word: 'down, never seen' }
  if (!s.up) return { tone: 'bad', word: 'down, silent since', since: s.last_seen }
  if (Date.parse(s.last_seen) < Date.parse(from)) return { tone: 'warn', word: 'silent since', since: s.last_seen }
  if (s.rejected >= all * refusingFrom && s.rejected > 0) return { tone: 'warn', word: `up, refusing ${Math.round((100 * s.rejected) / all)} %` }
  return { tone: 'ok', word: 'up' }
}

const rank: Tone[] = ['bad', 'warn', 'no-data', 'ok']

// troubleFirst orders sources; what nobody sends comes before what is well.
export function troubleFirst(list: Source[], from: string): Source[] {
  const at = (s: Source) => rank.indexOf(health(s, from).tone)
  return [...list].sort((a, b) => at(a) - at(b) || a.name.localeCompare(b.name))
}

export function stops(b: Blind): { tone: Tone; word: string } {
  switch (b.stops) {
    case 'judging':
      return { tone: 'bad', word: 'stops judging' }
    case 'diagnosis':
      return { tone: 'warn', word: 'stops diagnosis' }
    case 'acting':
      return { tone: 'warn', word: 'stops acting' }
  }
  return { tone: 'none', word: 'sees less' }
}

export interface Part { text: string; code: boolean; whole: boolean }

// What can be pasted as it stands (environment, command, line of configuration),
// and names of keys, which only read better as code.
const pasted = /([A-Z][A-Z0-9]*_[A-Z0-9_]*=\S+(?: [A-Z][A-Z0-9]*_[A-Z0-9_]*=\S+)*|\bpitwall (?:[a-z]+ )+--.+$|\b[a-z_]+(?:\.[a-z_]+)*: (?:\[[^\]]*\]|\S+)(?= in pitwall\.yaml))/
const named = /(\b[a-z_]+\.[a-z_]+(?:\.[a-z_]+)*(?= in pitwall\.yaml| and )|\bpitwall\.yaml\b)/

// remedy takes a next step apart: what to read, and what to copy.
export function remedy(text: string): Part[] {
  const parts: Part[] = []
  const push = (t: string, code: boolean, whole: boolean) => t && parts.push({ text: t, code, whole })
  text.split(pasted).forEach((piece, i) => {
    if (i % 2 === 0) {
      piece.split(named).forEach((p, j) => push(p, j % 2 === 1, false))
      return
    }
    const end = /[,.;:)]+$/.exec(piece)?.[0] ?? ''
    push(piece.slice(0, piece.length - end.length), true, true)
    push(end, false, false)
  })
  return parts
}

export function sends(s: Service, kind: Signal): { tone: Tone; word: string } {
  if (s.has?.includes(kind)) return { tone: 'ok', word: 'sent' }
  if (s.missing?.includes(kind)) return { tone: 'bad', word: 'missing' }
  return { tone: 'no-data', word: 'not known' } // it could not be asked
}

const day = 24 * 3600_000

// length words a duration in nanoseconds, without a second unit of nothing.
export function length(ns: number): string {
  const ms = ns / 1e6
  return ms >= day && ms % day === 0 ? `${ms / day} d` : span(ms).replace(/ 0 [hms]$/, '')
}

// short words what the budget of a signal cannot hold of its retention.
export function short(v: Volume): string {
  if (v.bytes_per_day <= 0 || v.budget_bytes <= 0 || v.retention_ns <= 0) return ''
  const holds = (v.budget_bytes / v.bytes_per_day) * day
  const asked = v.retention_ns / 1e6
  if (holds >= asked) return ''
  const text = holds >= day ? `${(holds / day).toFixed(1)} d` : length(holds * 1e6)
  return `at this rate the budget holds ${text} of ${length(v.retention_ns)}`
}

// cost keeps a digit of what is small: a thousandth is not nothing.
export function cost(v: number, currency: string | undefined): string {
  return `${v < 0.01 ? Number(v.toPrecision(1)) : sig(v)} ${currency ?? ''}`.trim()
}

// nothing is the calm state of the page.
export function nothing(t: Telemetry, now: number): string {
  return `Nothing known to be missing. ${many(t.sources.length, 'source')}, ${many(t.services.length, 'service')}, last look ${ago(t.at, now)}.`
}

const groups = new Intl.NumberFormat('en')

// count groups digits, as the server does.
export const count = (n: number) => groups.format(n)

export function many(n: number, one: string): string {
  return `${count(n)} ${one}${n === 1 ? '' : 's'}`
}

// untouched: nothing ever came in, so the first thing to tell is where to begin.
export function untouched(t: Telemetry): boolean {
  return !t.services.length && t.sources.every((s) => !ever(s.last_seen) && !s.accepted && !s.rejected)
}

// fits says whether a setting is asked for: words of its key, value or origin.
export function fits(s: Setting, query: string, set: boolean): boolean {
  if (set && s.origin === 'default') return false
  const text = `${s.key} ${s.value} ${s.origin}`.toLowerCase()
  return query.toLowerCase().split(/\s+/).every((w) => text.includes(w))
}

export interface FirstStep { name: string; done: boolean; what: string; line: string; doc: string }

// firstSteps are what stands between a new Pitwall and its first closed plan.
export function firstSteps(slos: number, keys: Setting[]): FirstStep[] {
  const set = (key: string) => keys.some((k) => k.key === key && k.value !== '')
  return [
    { name: 'Source', done: false, what: 'Send it the telemetry of one service.', line: 'export OTEL_SERVICE_NAME=checkout OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318', doc: 'docs/howto/opentelemetry.md' },
    { name: 'SLO', done: slos > 0, what: 'Say what is good enough, in an OpenSLO file, and name it.', line: 'slos: [slos/*.yaml]', doc: 'docs/tutorial/first-closed-plan.md' },
    { name: 'Baseline', done: false, what: 'Let it watch: what is normal is learned from traffic. This says how far it is.', line: 'pitwall slo list', doc: 'docs/concepts/budget-and-burn.md' },
    { name: 'Policy', done: set('policy'), what: 'Say what may be changed without asking. Until then the built-in policy holds.', line: 'policy: policy.yaml', doc: 'docs/concepts/safety.md' },
    { name: 'Notify', done: false, what: 'Be told: let your Prometheus read /metrics of this server, and alert on what burns.', line: 'pitwall_slo_burn_rate > 14.4', doc: 'docs/json.md' },
  ]
}

import { describe, expect, it } from 'vitest'
import { diskText } from '../units'
import { whole, type Source, type Telemetry, type Volume } from './shape'
import { cost, fits, firstSteps, health, length, nothing, remedy, sends, short, stops, troubleFirst, untouched } from './words'

const from = '2026-03-02T14:00:00Z'
const never = '0001-01-01T00:00:00Z'
const source = (s: Partial<Source>): Source => ({ name: 'otlp/traces', up: true, last_seen: '2026-03-02T14:14:58Z', accepted: 100, rejected: 0, ...s })

describe('health', () => {
  const word = (s: Partial<Source>) => {
    const h = health(source(s), from)
    return [h.tone, h.word, h.since ?? '']
  }
  it('tells broken from unused', () => {
    expect(word({})).toEqual(['ok', 'up', ''])
    expect(word({ last_seen: never, accepted: 0 })).toEqual(['no-data', 'never seen', ''])
    expect(word({ last_seen: never, accepted: 0, up: false })).toEqual(['no-data', 'never seen', ''])
    expect(word({ last_seen: never, accepted: 0, up: false, message: 'connection refused' })).toEqual(['bad', 'down, never seen', ''])
    expect(word({ up: false })).toEqual(['bad', 'down, silent since', '2026-03-02T14:14:58Z'])
    expect(word({ last_seen: '2026-03-02T13:40:00Z' })).toEqual(['warn', 'silent since', '2026-03-02T13:40:00Z'])
  })
  it('says what is refused, not that something once was', () => {
    expect(word({ accepted: 1000, rejected: 9 })).toEqual(['ok', 'up', ''])
    expect(word({ accepted: 60, rejected: 40 })).toEqual(['warn', 'up, refusing 40 %', ''])
    expect(word({ accepted: 0, rejected: 4 })).toEqual(['bad', 'refusing everything', ''])
    expect(word({ accepted: 0, rejected: 4, last_seen: never })).toEqual(['bad', 'refusing everything', ''])
  })
  it('puts trouble first', () => {
    const list = [source({ name: 'b' }), source({ name: 'a' }), source({ name: 'unused', last_seen: never, accepted: 0 }), source({ name: 'down', up: false }), source({ name: 'late', last_seen: from.replace('14', '13') })]
    expect(troubleFirst(list, from).map((s) => s.name)).toEqual(['down', 'late', 'unused', 'a', 'b'])
    expect(list[0]!.name).toBe('b')
  })
})

describe('remedy', () => {
  const lines = (text: string) => remedy(text).filter((p) => p.whole).map((p) => p.text)
  it('finds what can be pasted', () => {
    expect(lines('send traces here: OTEL_SERVICE_NAME=SERVICE OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318')).toEqual(['OTEL_SERVICE_NAME=SERVICE OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318'])
    expect(lines('pass it on: OTEL_PROPAGATORS=tracecontext,baggage on both sides')).toEqual(['OTEL_PROPAGATORS=tracecontext,baggage'])
    expect(lines('sample by whole traces or not at all (OTEL_TRACES_SAMPLER=parentbased_always_on)')).toEqual(['OTEL_TRACES_SAMPLER=parentbased_always_on'])
    expect(lines('announce deploys from the pipeline: pitwall change add --service pay --version VERSION')).toEqual(['pitwall change add --service pay --version VERSION'])
    expect(lines('write one and name its file: slos: [slos/*.yaml] in pitwall.yaml')).toEqual(['slos: [slos/*.yaml]'])
    expect(lines('engine.settle: 40s in pitwall.yaml, or let the sender export more often')).toEqual(['engine.settle: 40s'])
  })
  it('leaves prose alone and loses no letter', () => {
    for (const text of [
      'add its pprof address to the file of profiles.file_sd in pitwall.yaml',
      'see what it says: connection refused',
      'correct the operation in slo/catalog.yaml:1, or wait for the first request',
      'OTEL_METRICS_EXPORTER=otlp in its environment, or add its address to metrics.scrape in pitwall.yaml',
      '',
    ]) {
      expect(remedy(text).map((p) => p.text).join('')).toBe(text)
    }
    expect(lines('add its pprof address to the file of profiles.file_sd in pitwall.yaml')).toEqual([])
    expect(remedy('add it to target.services in pitwall.yaml').filter((p) => p.code).map((p) => p.text)).toEqual(['target.services', 'pitwall.yaml'])
  })
})

describe('coverage', () => {
  it('knows three states', () => {
    const s = { service: 'pay', versions: null, requests: 1, has: ['traces'], missing: ['logs'] }
    expect([sends(s, 'traces').word, sends(s, 'logs').word, sends(s, 'profiles').word]).toEqual(['sent', 'missing', 'not known'])
    expect(sends({ ...s, has: null, missing: null }, 'traces').tone).toBe('no-data')
  })
  it('says what a blind spot stands in the way of', () => {
    const word = (stop?: string) => stops({ what: '', means: '', remedy: '', stops: stop }).word
    expect([word('judging'), word('diagnosis'), word('acting'), word()]).toEqual(['stops judging', 'stops diagnosis', 'stops acting', 'sees less'])
  })
})

const day = 86_400e9
const volume = (v: Partial<Volume>): Volume => ({ signal: 'logs', per_second: 1, unit: 'records', bytes: 0, bytes_per_day: 1, retention_ns: day, budget_bytes: 10, ...v })

describe('volume', () => {
  it('warns when the budget is shorter than the retention', () => {
    expect(short(volume({ bytes_per_day: 4, retention_ns: 7 * day }))).toBe('at this rate the budget holds 2.5 d of 7 d')
    expect(short(volume({ bytes_per_day: 20 }))).toBe('at this rate the budget holds 12 h of 1 d')
    expect(short(volume({ bytes_per_day: 1, retention_ns: 7 * day }))).toBe('')
    for (const v of [{ bytes_per_day: 0 }, { budget_bytes: 0 }, { retention_ns: 0 }]) expect(short(volume(v))).toBe('')
  })
  it('never rounds a cost to nothing', () => {
    expect([cost(0.31, 'EUR'), cost(0.0041, 'EUR'), cost(12, undefined)]).toEqual(['0.31 EUR', '0.004 EUR', '12'])
  })
  it('prints lengths and sizes as they are configured', () => {
    expect([length(15 * day), length(day / 2), length(90e9), length(36 * 3600e9)]).toEqual(['15 d', '12 h', '1 m 30 s', '36 h'])
    expect([diskText(0), diskText(1023), diskText(10 * 2 ** 30), diskText(3480 * 2 ** 20)]).toEqual(['0 B', '1023 B', '10 GiB', '3.4 GiB'])
  })
})

const bare = { at: '2026-03-02T14:15:00Z', period: { from, to: from }, view: {}, sources: null, services: null, blind: null } as unknown as Telemetry

describe('page', () => {
  it('is calm in one sentence', () => {
    const t = whole({ ...bare, sources: [source({})] })
    expect(nothing(t, Date.parse(t.at) + 12_000)).toBe('Nothing known to be missing. 1 source, 0 services, last look 12 s ago.')
  })
  it('begins at the beginning only when nothing ever came', () => {
    expect(untouched(whole(bare))).toBe(true)
    expect(untouched(whole({ ...bare, sources: [source({ last_seen: never, accepted: 0 })] }))).toBe(true)
    expect(untouched(whole({ ...bare, sources: [source({ last_seen: never, accepted: 0, rejected: 3 })] }))).toBe(false)
    expect(untouched(whole({ ...bare, sources: [source({})] }))).toBe(false)
  })
  it('ticks off what is set', () => {
    const done = (n: number, policy: string) => firstSteps(n, [{ key: 'policy', value: policy, origin: 'default' }]).filter((s) => s.done).map((s) => s.name)
    expect(done(0, '')).toEqual([])
    expect(done(2, 'policy.yaml')).toEqual(['SLO', 'Policy'])
  })
  it('filters by any words', () => {
    const k = { key: 'traces.retention', value: '1d', origin: 'pitwall.yaml:3' }
    expect([fits(k, '', false), fits(k, 'YAML retention', false), fits(k, 'metrics', false), fits(k, '', true), fits({ ...k, origin: 'default' }, '', true)]).toEqual([true, true, false, true, false])
  })
})

import { describe, expect, it } from 'vitest'
import { troubleOf } from './api'
import { concerns, parseNews } from './live'
import { ago, clock, span, stamp } from './time'
import { unitText } from './units'

describe('news', () => {
  it('reads what it knows and leaves the rest', () => {
    expect(parseNews('record', '{"seq":7,"plan":"PIP-1"}')).toEqual({ type: 'record', seq: 7, plan: 'PIP-1' })
    expect(parseNews('live', '{"plans":["PIP-1"]}')).toEqual({ type: 'live', plans: ['PIP-1'] })
    expect(parseNews('resync', '{"seq":9}')).toEqual({ type: 'resync' })
    expect(parseNews('hello', '{"seq":9}')).toBeNull()
    expect(parseNews('something-new', '{}')).toBeNull()
    expect(parseNews('record', 'broken')).toBeNull()
    expect(parseNews('live', '{"plans":"PIP-1"}')).toBeNull()
  })
  it('concerns its own plan only', () => {
    expect(concerns({ type: 'record', seq: 1, plan: 'PIP-1' }, 'PIP-1')).toBe(true)
    expect(concerns({ type: 'record', seq: 1, plan: 'PIP-1' }, 'PIP-2')).toBe(false)
    expect(concerns({ type: 'record', seq: 1, plan: '' }, 'PIP-2')).toBe(false)
    expect(concerns({ type: 'live', plans: ['PIP-1'] }, '')).toBe(true)
    expect(concerns({ type: 'resync' }, 'PIP-2')).toBe(true)
  })
})

describe('trouble', () => {
  it('keeps the words of the server', () => {
    const t = troubleOf(409, '{"error":{"op":"x","kind":"conflict","id":"PIP-1","message":"it moved on","hint":"look again"}}')
    expect([t.kind, t.message, t.hint]).toEqual(['conflict', 'it moved on', 'look again'])
  })
  it('tells of what is not ours', () => {
    expect(troubleOf(502, '<html>bad gateway</html>').message).toBe('the server answered 502')
    expect(troubleOf(500, 'null').kind).toBe('unavailable')
  })
})

describe('time', () => {
  const t = '2026-03-02T14:05:41Z'
  it('prints instants in UTC', () => {
    expect(clock(t, true)).toBe('14:05:41')
    expect(stamp(t, true)).toBe('2026-03-02 14:05:41 UTC')
    expect(clock('0001-01-01T00:00:00Z', true)).toBe('–')
    expect(stamp('nonsense', true)).toBe('not set')
  })
  it('prints distances in two units', () => {
    expect(span(3200)).toBe('3 s')
    expect(span(221_000)).toBe('3 m 41 s')
    expect(span(120_000)).toBe('2 m')
    expect(span(47 * 3600_000)).toBe('47 h 0 m')
    expect(ago(t, Date.parse(t) + 9000)).toBe('9 s ago')
    expect(ago(t, Date.parse(t) - 60_000)).toBe('in 1 m')
  })
})

describe('units', () => {
  it('reads like the server', () => {
    expect(unitText(0.412, 's')).toBe('412 ms')
    expect(unitText(1.42, 's')).toBe('1.42 s')
    expect(unitText(85_400, 'B')).toBe('85.4 kB')
    expect(unitText(0.0031, 'ratio')).toBe('0.31 %')
    expect(unitText(0, 's')).toBe('0 ms')
    expect(unitText(-0.02, 'ratio')).toBe('−2 %')
  })
  it('never draws what was not seen', () => {
    for (const v of [null, undefined, NaN, Infinity]) expect(unitText(v, 's')).toBe('no data')
  })
})

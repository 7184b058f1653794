// Instants for people: the time of day in their zone or in UTC, the distance
// from now, and the whole of it on hover.

export function zoneWord(utc: boolean): string {
  if (utc) return 'UTC'
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(new Date())
  return parts.find((p) => p.type === 'timeZoneName')?.value ?? 'local'
}

const two = (n: number) => String(n).padStart(2, '0')

export function clock(t: string | number, utc: boolean): string {
  const d = new Date(t)
  if (isNaN(d.getTime()) || d.getTime() <= 0) return '–'
  return utc
    ? `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`
    : `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

export function stamp(t: string | number, utc: boolean): string {
  const d = new Date(t)
  if (isNaN(d.getTime()) || d.getTime() <= 0) return 'not set'
  const day = utc
    ? `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`
    : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
  return `${day} ${clock(t, utc)} ${zoneWord(utc)}`
}

// tick names an instant on an axis that is so many milliseconds long.
export function tick(t: number, utc: boolean, long: number): string {
  const whole = stamp(t, utc)
  if (long <= 24 * 3600_000) return clock(t, utc)
  return long <= 72 * 3600_000 ? whole.slice(5, 16) : whole.slice(5, 10)
}

// span words a distance in its two greatest units, like the server does.
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return `${s} s`
  if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} m ${s % 60} s` : `${s / 60} m`
  const h = Math.floor(s / 3600)
  if (h < 48) return `${h} h ${Math.floor((s % 3600) / 60)} m`
  return `${Math.floor(h / 24)} d ${h % 24} h`
}

export function ago(t: string, now: number): string {
  const ms = now - new Date(t).getTime()
  return ms < 0 ? `in ${span(-ms)}` : `${span(ms)} ago`
}

// Axis labels and table cells of charts. Everything else arrives worded.

export function sig(v: number): string {
  const a = Math.abs(v)
  const s = a >= 100 ? v.toFixed(0) : a >= 10 ? v.toFixed(1) : v.toFixed(2)
  return (s.includes('.') ? s.replace(/\.?0+$/, '') : s).replace('-', '−')
}

export function unitText(v: number | null | undefined, unit: string): string {
  if (v === null || v === undefined || !isFinite(v)) return 'no data'
  const a = Math.abs(v)
  switch (unit) {
    case 's':
    case 'cpu-s/request':
      if (a === 0) return '0 ms'
      if (a < 1e-3) return `${sig(v * 1e6)} µs`
      return a < 0.9995 ? `${sig(v * 1e3)} ms` : `${sig(v)} s`
    case 'B':
    case 'B/request':
      if (a < 1000) return `${v.toFixed(0)} B`
      return a < 1e6 ? `${sig(v / 1e3)} kB` : `${sig(v / 1e6)} MB`
    case 'ratio':
      return `${sig(v * 100)} %`
    case '1/s':
      return `${sig(v)}/s`
    case 'x':
      return `${sig(v)}×`
  }
  return sig(v)
}

// diskText is in powers of 1024, as budgets are configured.
export function diskText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let i = 0
  for (; Math.abs(bytes) >= 1023.5 && i < units.length - 1; i++) bytes /= 1024
  return `${i ? sig(bytes) : bytes.toFixed(0)} ${units[i]}`
}

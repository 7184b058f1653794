import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clock, stamp, tick } from './time'
import { unitText } from './units'
import { useDark, useUTC } from './prefs'
import type { ChartView } from './types'
import { copy } from './ui'

const height = 190

function ink(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

// columns joins the series of a chart on one time axis, as uPlot wants them.
export function columns(c: ChartView): { x: number[]; ys: (number | null)[][] } {
  const all = new Set<number>()
  for (const s of c.series) for (const t of s.t) all.add(t)
  const x = [...all].sort((a, b) => a - b)
  const at = new Map(x.map((t, i) => [t, i]))
  const ys = c.series.map((s) => {
    const col = new Array<number | null>(x.length).fill(null)
    s.t.forEach((t, i) => (col[at.get(t)!] = s.v[i] ?? null))
    return col
  })
  return { x, ys }
}

type Mark = (from: number, to: number) => void

function options(c: ChartView, width: number, utc: boolean, mark?: Mark): uPlot.Options {
  const lines = ['--active', '--warn', '--ok', '--wait'].map(ink)
  const soft = ink('--soft')
  const grid = { stroke: ink('--line'), width: 1 }
  const axis = { stroke: soft, grid, ticks: { show: false }, font: '11px ' + ink('--font') }
  // The limit is drawn unless it lies far above everything.
  const upTo = (_: uPlot, __: number, most: number): uPlot.Range.MinMax => {
    const top = most > 0 && c.limit !== undefined && c.limit < most * 3 ? Math.max(most, c.limit) : most
    return [0, (top > 0 ? top : 1) * 1.08]
  }
  return {
    width,
    height,
    padding: [18, 26, 0, 0],
    cursor: { sync: { key: 'pitwall' }, points: { size: 6 }, drag: { x: !!mark, y: false, setScale: false } },
    legend: { live: true },
    scales: { x: { time: false }, y: { range: upTo } },
    axes: [
      { ...axis, size: 26, space: 90, values: (u, vs) => vs.map((v) => tick(v, utc, u.scales.x!.max! - u.scales.x!.min!)), incrs: [1e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5, 1728e5, 6048e5, 12096e5, 25920e5] },
      { ...axis, size: 62, space: 38, values: (_, vs) => vs.map((v) => unitText(v, c.unit)) },
    ],
    series: [
      { label: 'time', value: (u, v) => (v === null ? '–' : tick(v, utc, Math.min(72 * 3600_000, u.scales.x!.max! - u.scales.x!.min!))) },
      ...c.series.map((s, i) => ({
        label: s.name,
        stroke: lines[i % lines.length],
        width: 1.6,
        dash: i > 0 && s.name.includes('even') ? [4, 4] : undefined,
        points: { show: false },
        value: (_: uPlot, v: number | null) => unitText(v, c.unit),
      })),
    ],
    hooks: {
      drawClear: [(u) => under(u, c)],
      draw: [(u) => over(u, c)],
      setSelect: [(u) => mark && u.select.width > 4 && mark(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'))],
    },
  }
}

// under paints below the lines: where a moment may truly lie, and the baseline band.
function under(u: uPlot, c: ChartView) {
  const { ctx, bbox } = u
  for (const m of c.marks ?? []) {
    if (!m.from || !m.to) continue
    const [left, right] = [bbox.left, bbox.left + bbox.width].map((edge, i) => {
      const x = u.valToPos(i ? m.to! : m.from!, 'x', true)
      return i ? Math.min(edge, x) : Math.max(edge, x)
    }) as [number, number]
    if (left >= right) continue
    ctx.save()
    ctx.globalAlpha = 0.14
    ctx.fillStyle = ink('--bad')
    ctx.fillRect(left, bbox.top, right - left, bbox.height)
    ctx.restore()
  }
  if (!c.band) return
  const y0 = u.valToPos(c.band[1], 'y', true)
  const y1 = u.valToPos(Math.max(0, c.band[0]), 'y', true)
  ctx.save()
  ctx.fillStyle = ink('--band')
  ctx.fillRect(bbox.left, y0, bbox.width, Math.max(2, y1 - y0))
  ctx.restore()
}

// over paints the limit and the marks of what happened.
function over(u: uPlot, c: ChartView) {
  const { ctx, bbox } = u
  const px = devicePixelRatio
  ctx.save()
  ctx.font = `${11 * px}px ${ink('--font')}`
  ctx.lineWidth = px
  if (c.limit !== undefined) {
    const y = u.valToPos(c.limit, 'y', true)
    if (y >= bbox.top) {
      ctx.strokeStyle = ctx.fillStyle = ink('--bad')
      ctx.setLineDash([5 * px, 4 * px])
      line(ctx, bbox.left, y, bbox.left + bbox.width, y)
      ctx.textAlign = 'left'
      ctx.fillText(`limit ${unitText(c.limit, c.unit)}`, bbox.left + 6 * px, y - 5 * px)
    }
  }
  const rank = (k: string) => (k === 'change' ? 0 : k === 'plan' ? 2 : 1)
  const taken: [number, number][] = []
  for (const m of [...(c.marks ?? [])].sort((a, b) => rank(a.kind) - rank(b.kind) || b.t - a.t)) {
    if (m.t < u.scales.x!.min! || m.t > u.scales.x!.max!) continue
    const x = u.valToPos(m.t, 'x', true)
    ctx.strokeStyle = ctx.fillStyle = ink(m.kind === 'change' ? '--warn' : m.kind === 'onset' ? '--bad' : '--soft')
    ctx.setLineDash(m.kind === 'change' ? [] : [2 * px, 3 * px])
    line(ctx, x, bbox.top, x, bbox.top + bbox.height)
    // A change is named to its left, what followed to the right; a name without
    // room is left to the table and the summary.
    const wide = ctx.measureText(m.label).width
    const before = x - wide - 4 * px
    const after = x + 4 * px
    const start = (m.kind === 'change' && before > bbox.left) || after + wide > bbox.left + bbox.width ? before : after
    if (taken.some(([from, to]) => start < to + 6 * px && start + wide > from - 6 * px)) continue
    ctx.textAlign = 'left'
    ctx.fillText(m.label, start, bbox.top - 5 * px)
    taken.push([start, start + wide])
  }
  ctx.restore()
}

function line(ctx: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number) {
  ctx.beginPath()
  ctx.moveTo(x0, y0)
  ctx.lineTo(x1, y1)
  ctx.stroke()
}

interface Props {
  chart: ChartView
  table: boolean
  onTable: (on: boolean) => void
  onMark?: Mark // a stretch of time was marked with the pointer
}

export function Chart({ chart, table, onTable, onMark }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const dark = useDark()
  const utc = useUTC()
  const mark = useRef(onMark)
  mark.current = onMark
  const shape = `${chart.id}|${chart.series.map((s) => s.name).join('|')}|${chart.limit}|${chart.marks?.length}|${dark}|${utc}|${table}`
  const empty = !chart.series.some((s) => s.v.some((v) => v !== null))
  useEffect(() => {
    const el = box.current
    if (!el || table || empty) return
    const { x, ys } = columns(chart)
    const u = new uPlot(options(chart, el.clientWidth || 600, utc, onMark && ((from, to) => mark.current?.(from, to))), [x, ...ys], el)
    plot.current = u
    const ro = new ResizeObserver(() => el.clientWidth && u.setSize({ width: el.clientWidth, height }))
    ro.observe(el)
    return () => {
      ro.disconnect()
      u.destroy()
      plot.current = null
    }
  }, [shape, empty])
  useEffect(() => {
    const { x, ys } = columns(chart)
    plot.current?.setData([x, ...ys])
  }, [chart])
  return (
    <figure class="chart" id={`chart-${chart.id}`}>
      <figcaption>
        <b title={chart.title}>{chart.title}</b>
        <Toggle table={table} onTable={onTable} />
      </figcaption>
      {empty && <p class="nodata">No data in this window. That is not the same as healthy.</p>}
      {!empty && !table && <div class="plot" ref={box} role="img" aria-label={`${chart.title}. ${chart.summary}`} />}
      {!empty && table && <ChartTable chart={chart} utc={utc} />}
      <p class="soft">{chart.summary}</p>
      {chart.query && (
        <button type="button" class="query" title="Copy the query" onClick={() => void copy(chart.query, 'Query')}>
          <span>query</span>
          <code>{chart.query}</code>
        </button>
      )}
    </figure>
  )
}

function Toggle({ table, onTable }: { table: boolean; onTable: (on: boolean) => void }) {
  return (
    <span class="seg" role="group" aria-label="Chart or table">
      <button type="button" aria-pressed={!table} onClick={() => onTable(false)}>
        chart
      </button>
      <button type="button" aria-pressed={table} onClick={() => onTable(true)}>
        table
      </button>
    </span>
  )
}

function ChartTable({ chart, utc }: { chart: ChartView; utc: boolean }) {
  const { x, ys } = columns(chart)
  const long = x.length > 0 && x[x.length - 1]! - x[0]! > 24 * 3600_000
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${chart.title} as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">time</th>
            {chart.series.map((s) => (
              <th scope="col" class="n" key={s.name}>
                {s.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {x.map((t, i) => (
            <tr key={t}>
              <td class="nowrap">{long ? stamp(t, utc) : clock(t, utc)}</td>
              {ys.map((col, j) => (
                <td class="n" key={j}>
                  {unitText(col[i], chart.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

import { useRef, useState } from 'preact/hooks'
import { FrameTable } from '../plan/blocks'
import { setQuery } from '../route'
import { Icon } from '../ui'
import type { Flame, FlameBox } from '../types'
import { parents, short, step, zoomed } from './words'

// FlameGraph is a profile difference: a flame graph that can be narrowed to one
// frame and searched, with the tables beside it. Sides are always named.
export function FlameGraph({ f, url }: { f: Flame; url: URL }) {
  const [frames, set] = useState(false)
  const rows = frames ? f.frames : f.families
  return (
    <>
      <p>{f.summary}</p>
      {f.warnings?.map((w) => (
        <p key={w} class="warn">
          <Icon tone="warn" /> {w}
        </p>
      ))}
      {f.tree && f.tree.length > 0 && <Graph tree={f.tree} total={f.total ?? ''} url={url} />}
      {f.families.length > 0 && f.frames.length > 0 && (
        <p class="seg which" role="group" aria-label="Families of work or functions">
          <button type="button" aria-pressed={!frames} onClick={() => set(false)}>
            families of work
          </button>
          <button type="button" aria-pressed={frames} onClick={() => set(true)}>
            functions
          </button>
        </p>
      )}
      <FrameTable rows={rows.length ? rows : [...f.families, ...f.frames]} />
    </>
  )
}

const sign = (b: FlameBox) => (b.tone === 'warn' ? '▲ ' : b.tone === 'ok' ? '▼ ' : '')

function Graph({ tree, total, url }: { tree: FlameBox[]; total: string; url: URL }) {
  const q = url.searchParams
  const at = Math.min(tree.length - 1, Number(q.get('frame') ?? -1) || -1)
  const baseline = q.get('side') === 'baseline'
  const word = (q.get('find') ?? '').toLowerCase()
  const [over, setOver] = useState(-1)
  const [focus, setFocus] = useState(0)
  const box = useRef<HTMLDivElement>(null)
  const shown = zoomed(tree, at, baseline)
  const deepest = Math.max(0, ...shown.map((p) => p.row))
  const found = word ? tree.filter((b) => b.name.toLowerCase().includes(word)).length : 0
  const zoom = (i: number) => setQuery('frame', i > 0 ? String(i) : '')
  const current = shown.some((p) => p.i === focus) ? focus : (shown[0]?.i ?? 0)
  const press = (e: KeyboardEvent) => {
    if (e.key === 'Escape') return zoom(-1)
    if (!e.key.startsWith('Arrow')) return
    e.preventDefault()
    const to = step(shown, current, e.key)
    setFocus(to)
    box.current?.querySelector<HTMLElement>(`[data-i="${to}"]`)?.focus()
  }
  return (
    <div class="flamegraph">
      <div class="tools">
        <span class="seg" role="group" aria-label="Width of the frames">
          <button type="button" aria-pressed={baseline} onClick={() => setQuery('side', 'baseline')}>
            as in the baseline
          </button>
          <button type="button" aria-pressed={!baseline} onClick={() => setQuery('side', '')}>
            as it is now
          </button>
        </span>
        <input type="search" value={q.get('find') ?? ''} placeholder="Find a function" aria-label="Find a function" onInput={(e) => setQuery('find', e.currentTarget.value)} />
        {word && <span class="soft" role="status">{found} found</span>}
        {at >= 0 && (
          <button type="button" class="plain" onClick={() => zoom(-1)}>
            Show all
          </button>
        )}
        {total && <span class="soft total">per request, baseline → now: {total}</span>}
      </div>
      <div class="flames" ref={box} role="group" aria-label="Flame graph: arrow keys move, Enter narrows, Escape shows all. The tables below have the same numbers." onKeyDown={press} onMouseLeave={() => setOver(-1)} style={{ height: `${(deepest + 1) * 21}px` }}>
        {shown.map(({ i, box: b, left, width, row }) => (
          <button
            type="button"
            key={i}
            data-i={i}
            tabIndex={i === current ? 0 : -1}
            class={`${b.tone} ${word && b.name.toLowerCase().includes(word) ? 'found' : ''} ${word && !b.name.toLowerCase().includes(word) ? 'other' : ''}`}
            style={{ left: `${left * 100}%`, width: `${width * 100}%`, top: `${row * 21}px`, '--heat': `${Math.round(10 + 28 * Math.abs(b.heat))}%` }}
            aria-label={`${b.name}: ${b.before} → ${b.after} per request, ${b.change}`}
            onClick={() => zoom(i === at ? -1 : i)}
            onFocus={() => setFocus(i)}
            onMouseEnter={() => setOver(i)}
          >
            <span>
              {sign(b)}
              {short(b.name)}
            </span>
          </button>
        ))}
      </div>
      <Told tree={tree} i={over >= 0 ? over : current} />
    </div>
  )
}

// Told says of one frame what it cost and costs.
function Told({ tree, i }: { tree: FlameBox[]; i: number }) {
  const b = tree[i]
  if (!b) return null
  return (
    <p class="told">
      {b.depth > 0 && <span class="soft">{parents(tree, i).slice(-2).map((p) => short(tree[p]!.name) + ' › ')}</span>}
      <code>{b.name}</code>
      <span>
        {b.before} → {b.after} per request, <b>{sign(b)}{b.change}</b>
      </span>
    </p>
  )
}

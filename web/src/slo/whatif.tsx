import { useEffect, useState } from 'preact/hooks'
import { setQuery } from '../route'
import { Table, number } from '../settings/section'
import { Icon, Meter, Status } from '../ui'
import type { WhatIfRow, WhatIfView } from '../types'
import { Between, Late } from './parts'
import { chosen, spoken } from './words'

// WhatIf holds other targets against what happened.
export function WhatIf({ name, target }: { name: string; target: string }) {
  return (
    <Late<WhatIfView> id="what-if" title="What if the objective were …" note="the same history, the same tiers, another target" what="what other targets would have meant" path={`/api/v1/slos/${encodeURIComponent(name)}/what-if`}>
      {(w) => <Slider w={w} target={target} />}
    </Late>
  )
}

function Slider({ w, target }: { w: WhatIfView; target: string }) {
  const [at, set] = useState(chosen(w.rows, target))
  useEffect(() => set(chosen(w.rows, target)), [w, target])
  const r = w.rows[at]
  if (!r) return <p class="soft">{w.note || 'There is no history to hold another target against.'}</p>
  const keep = (i: number) => setQuery('target', w.rows[i]!.current ? '' : String(w.rows[i]!.target))
  return (
    <>
      <p class="lead">{w.sentence}</p>
      <div class="slider">
        <Strip rows={w.rows} at={at} />
        <input
          type="range"
          min={0}
          max={w.rows.length - 1}
          step={1}
          value={at}
          aria-label="Another target"
          aria-valuetext={spoken(r)}
          onInput={(e) => set(Number(e.currentTarget.value))}
          onChange={(e) => keep(Number(e.currentTarget.value))}
        />
        <div class="ends soft" aria-hidden="true">
          <span>{w.rows[0]!.target_text}</span>
          <span>{w.rows[w.rows.length - 1]!.target_text}</span>
        </div>
      </div>
      <Outcome r={r} />
      {r.refused && (
        <p class="warn">
          <Icon tone="warn" /> {r.refused}
        </p>
      )}
      <p class="soft below">
        <Between from={w.period.from} to={w.period.to} />. {w.note}
      </p>
      <details>
        <summary>Every target as a table</summary>
        <Rows rows={w.rows} at={at} />
      </details>
    </>
  )
}

function Outcome({ r }: { r: WhatIfRow }) {
  return (
    <dl class="clocks">
      <div>
        <dt>target</dt>
        <dd>
          {r.target_text}
          <small>{r.current ? 'as it is now' : 'tried here only; nothing is changed'}</small>
        </dd>
      </div>
      <div>
        <dt>measured</dt>
        <dd>{r.measured}</dd>
      </div>
      <div>
        <dt>budget left</dt>
        <dd class={r.tone === 'bad' ? 'bad' : ''}>
          {r.left_text}
          <Meter share={r.left} tone={r.tone} label={`budget, ${r.left_text}`} />
        </dd>
      </div>
      <div>
        <dt>pages a week</dt>
        <dd>
          {r.pages_per_week}
          <small>{r.pages} in the period</small>
        </dd>
      </div>
    </dl>
  )
}

// Strip draws how often each target would have paged, above its stop of the slider.
function Strip({ rows, at }: { rows: WhatIfRow[]; at: number }) {
  const most = Math.max(1, ...rows.map((r) => r.pages))
  const place = (i: number) => (rows.length > 1 ? i / (rows.length - 1) : 0.5)
  return (
    <div class="strip" aria-hidden="true">
      {rows.map((r, i) => (
        <span key={r.target} class={`${r.tone} ${i === at ? 'at' : ''}`} style={{ left: `calc(8px + (100% - 16px) * ${place(i)})` }}>
          <i style={{ height: `${4 + (44 * r.pages) / most}px` }} />
          {r.current && <b>now</b>}
        </span>
      ))}
    </div>
  )
}

function Rows({ rows, at }: { rows: WhatIfRow[]; at: number }) {
  return (
    <Table label="Every target" columns={['target', number('measured'), 'budget left', number('pages a week'), 'tiers']}>
      {rows.map((r, i) => (
        <tr key={r.target} class={i === at ? 'chosen' : ''}>
          <th scope="row" class="strong nowrap">
            {r.target_text} {r.current && <span class="soft">now</span>}
          </th>
          <td class="n">{r.measured}</td>
          <td>
            <Status tone={r.tone}>{r.left_text}</Status>
          </td>
          <td class="n">{r.pages_per_week}</td>
          <td>{r.refused ? <span class="warn">{r.refused}</span> : <span class="soft">as now</span>}</td>
        </tr>
      ))}
    </Table>
  )
}

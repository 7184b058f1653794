import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import './slo.css'
import { useData } from '../data'
import { useKeys } from '../keys'
import { Nothing, Old } from '../pages/nothing'
import { Now } from '../pages/plans'
import { go, setQuery } from '../route'
import { count } from '../settings/words'
import { Meter, Num, Status } from '../ui'
import type { SLOList, SLORow, StatusView } from '../types'
import { fits, kindOf, kinds, placed, textOf, type Asked, type Placed } from './words'

const page = 200 // rows drawn at once
const many = 1000 // from here on the list is read every ten seconds, not with every piece of news

// SLOsPage is every objective, the worst first.
export function SLOsPage({ url }: { url: URL }) {
  const [big, setBig] = useState(false)
  const { value, trouble, since } = useData<SLOList>('/api/v1/slos', big ? null : '')
  const status = useData<StatusView>('/api/v1/status', '')
  useEffect(() => void (document.title = 'SLOs · Pitwall'), [])
  useEffect(() => setBig((value?.slos.length ?? 0) > many), [value])
  if (!value) return <Nothing trouble={trouble} since={since} what="the SLOs" />
  const asked: Asked = { q: url.searchParams.get('q') ?? '', service: url.searchParams.get('service') ?? '', state: url.searchParams.get('state') ?? '' }
  return (
    <main class="slopage">
      <Now s={status.value} />
      {trouble && <Old trouble={trouble} since={since} />}
      <header class="title">
        <h1>SLOs</h1>
        <span class="soft">the least budget first</span>
      </header>
      {!value.slos.length && <p class="empty soft">No SLO is configured, so nothing is watched. Name an OpenSLO file in pitwall.yaml.</p>}
      {value.slos.length > 0 && <List slos={value.slos} asked={asked} shown={Number(url.searchParams.get('rows')) || page} />}
    </main>
  )
}

function List({ slos, asked, shown }: { slos: SLORow[]; asked: Asked; shown: number }) {
  const texts = useMemo(() => slos.map(textOf), [slos])
  const found = useMemo(() => placed(slos.filter((r, i) => fits(r, texts[i]!, asked))), [slos, texts, asked.q, asked.service, asked.state])
  const [at, setAt] = useState(-1)
  const input = useRef<HTMLInputElement>(null)
  const rows = found.slice(0, shown)
  const move = (by: number) => {
    const i = Math.max(0, Math.min(rows.length - 1, at + by))
    setAt(i)
    document.getElementById(`slo-${i}`)?.focus()
  }
  useKeys({ j: () => move(1), k: () => move(-1), Enter: () => rows[at] && go(link(rows[at]!.row)), '/': () => input.current?.focus() })
  return (
    <>
      <Filter slos={slos} asked={asked} found={found.length} input={input} />
      {!found.length && <p class="empty soft">No objective is like that. {count(slos.length)} are watched.</p>}
      {found.length > 0 && <Rows rows={rows} owners={slos.some((s) => s.owner)} />}
      {found.length > rows.length && (
        <button type="button" class="quiet more" onClick={() => setQuery('rows', String(shown + page))}>
          Show {count(Math.min(page, found.length - rows.length))} more of {count(found.length - rows.length)}
        </button>
      )}
    </>
  )
}

const link = (r: SLORow) => `/slos/${encodeURIComponent(r.name)}`

function Filter({ slos, asked, found, input }: { slos: SLORow[]; asked: Asked; found: number; input: { current: HTMLInputElement | null } }) {
  const services = useMemo(() => [...new Set(slos.map((s) => s.service))].sort(), [slos])
  const counts = useMemo(() => {
    const n = new Map<string, number>()
    for (const s of slos) n.set(kindOf(s), (n.get(kindOf(s)) ?? 0) + 1)
    return n
  }, [slos])
  return (
    <div class="filter" role="search">
      <label>
        <span class="sr">Filter the objectives</span>
        <input ref={input} type="search" placeholder="name, service, owner or state" value={asked.q} onInput={(e) => setQuery('q', e.currentTarget.value)} />
      </label>
      {services.length > 1 && (
        <label>
          <span class="sr">Service</span>
          <select value={asked.service} onChange={(e) => setQuery('service', e.currentTarget.value)}>
            <option value="">every service</option>
            {services.map((s) => (
              <option key={s} value={s}>
                {s}
              </option>
            ))}
          </select>
        </label>
      )}
      <span class="seg" role="group" aria-label="Which states">
        <button type="button" aria-pressed={!asked.state} onClick={() => setQuery('state', '')}>
          all {count(slos.length)}
        </button>
        {kinds
          .filter((k) => counts.get(k) || asked.state === k)
          .map((k) => (
            <button type="button" key={k} aria-pressed={asked.state === k} onClick={() => setQuery('state', k)}>
              {k} {count(counts.get(k) ?? 0)}
            </button>
          ))}
      </span>
      <span class="soft" role="status">
        {found === slos.length ? '' : `${count(found)} of ${count(slos.length)}`}
      </span>
    </div>
  )
}

function Rows({ rows, owners }: { rows: Placed[]; owners: boolean }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="SLOs">
      <table class="list slos">
        <thead>
          <tr>
            <th scope="col">objective</th>
            <th scope="col">state</th>
            <th scope="col" class="n">measured</th>
            <th scope="col" class="n">target</th>
            <th scope="col">window</th>
            <th scope="col">budget</th>
            <th scope="col" class="n">burn</th>
            <th scope="col" class="n">ends in</th>
            {owners && <th scope="col">owner</th>}
            <th scope="col">plan</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ row: s, inside }, i) => (
            <tr key={s.name}>
              <th scope="row" class={inside ? 'what inside' : 'what'}>
                <b>
                  <a id={`slo-${i}`} href={link(s)}>
                    {s.name}
                  </a>
                </b>
                <span>
                  {inside && <span class="sr">Part of {s.part_of}. </span>}
                  {s.objective}
                </span>
              </th>
              <td>
                <Status tone={s.tone}>{s.state}</Status>
                {s.problem && <small title={s.problem}>its numbers cannot be read</small>}
              </td>
              <td class="n">
                <Num maths={s.maths}>{s.measured}</Num>
              </td>
              <td class="n">{s.target}</td>
              <td class="window">{s.window}</td>
              <td>
                <span class="left">
                  <Meter share={s.left} tone={s.tone} label={`budget, ${s.left_text}`} />
                  <Num maths={s.maths}>{s.left_text}</Num>
                </span>
              </td>
              <td class="n">
                <Num maths={s.burn_maths ?? s.tiers?.[0]?.maths}>{s.burn}</Num>
              </td>
              <td class="n">{s.ends_in}</td>
              {owners && <td class="nowrap">{s.owner || <span class="soft">none</span>}</td>}
              <td class="nowrap">{s.plan ? <a href={`/plans/${s.plan}`}>{s.plan}</a> : <span class="soft">none open</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import './slo.css'
import { Chart } from '../chart'
import { useData } from '../data'
import { useKeys } from '../keys'
import { Nothing, Old } from '../pages/nothing'
import { PlanTable } from '../pages/plans'
import { setQuery, useTarget } from '../route'
import { Section } from '../settings/section'
import { copy, toast } from '../ui'
import type { SLOView } from '../types'
import { Corrections, Definition, Members, Noticed } from './behind'
import { Head, Numbers, Troubles } from './head'
import { Choice } from './parts'
import { Replay } from './replay'
import { Spent } from './spent'
import { Counted, Tiers } from './tiers'
import { WhatIf } from './whatif'
import { pressed, ranges } from './words'

// SLOPage is one objective: how it stands, what it is made of, what would be.
export function SLOPage({ name, url }: { name: string; url: URL }) {
  const range = url.searchParams.get('for') ?? ''
  const path = `/api/v1/slos/${encodeURIComponent(name)}${range ? `?for=${encodeURIComponent(range)}` : ''}`
  const { value, trouble, since } = useData<SLOView>(path, '')
  const last = useRef<SLOView | null>(null) // while another length of the charts is read
  if (value) last.current = value
  const v = value ?? last.current
  const refused = range !== '' && trouble?.kind === 'invalid'
  useEffect(() => void (document.title = `${name} · Pitwall`), [name])
  useEffect(() => {
    if (!refused) return
    toast(trouble.message)
    setQuery('for', '')
  }, [refused])
  useTarget(url, !!v)
  if (!v) return <Nothing trouble={refused ? null : trouble} since={since} what={`SLO ${name}`} />
  return <Loaded v={v} url={url} busy={!value} late={trouble && !refused && <Old trouble={trouble} since={since} />} />
}

function Loaded({ v, url, busy, late }: { v: SLOView; url: URL; busy: boolean; late: ComponentChildren }) {
  const table = url.searchParams.has('table')
  useKeys({
    m: () => document.querySelector<HTMLElement>('main button.num')?.click(),
    t: () => setQuery('table', table ? '' : '1'),
    y: () => void copy(location.href, 'Link'),
  })
  return (
    <main class="plan slopage">
      {late}
      <Head v={v} />
      <Troubles v={v} />
      <Numbers v={v} />
      <nav class="parts" aria-label="On this page">
        {parts(v).map(([id, word]) => (
          <a key={id} href={`${url.search}#${id}`}>
            {word}
          </a>
        ))}
      </nav>
      <Graphs v={v} table={table} busy={busy} />
      <Section id="tiers" title="When it alerts" note="the worst first">
        <Tiers tiers={v.tiers} />
      </Section>
      <Counted v={v} />
      {v.members.length > 0 && <Members v={v} />}
      {v.plans.length > 0 && (
        <Section id="plans" title="Plans for this objective">
          <PlanTable rows={v.plans} />
        </Section>
      )}
      <Spent v={v} by={url.searchParams.get('by') ?? ''} since={url.searchParams.get('for') ?? ''} />
      <WhatIf name={v.name} target={url.searchParams.get('target') ?? ''} />
      <Replay name={v.name} policy={url.searchParams.get('preset') ?? ''} />
      <Noticed v={v} />
      <Corrections v={v} />
      <Definition v={v} />
    </main>
  )
}

function parts(v: SLOView): [string, string][] {
  const list: [string, string, boolean][] = [
    ['budget', 'Budget', true],
    ['tiers', 'Alerts', true],
    ['counts', 'Counts', true],
    ['members', 'Members', v.members.length > 0],
    ['plans', 'Plans', v.plans.length > 0],
    ['spent', 'What spent it', true],
    ['what-if', 'What if', true],
    ['replay', 'Replay', true],
    ['noticed', 'How fast', !!v.detection],
    ['corrections', 'Corrections', true],
    ['definition', 'Definition', true],
  ]
  return list.filter((p) => p[2]).map(([id, word]) => [id, word])
}

// Graphs shows the budget first; it is what the page is about.
function Graphs({ v, table, busy }: { v: SLOView; table: boolean; busy: boolean }) {
  const list = ranges(v.longest_s)
  const at = pressed(list, v.period)
  return (
    <Section id="budget" title="Budget" note="even pace: the line that would spend it exactly">
      {!v.charts.length && <p class="soft">It has no counts of its own, so there is nothing to draw here: see its members, below.</p>}
      {v.charts.length > 0 && list.length > 1 && <Choice label="Length of the charts" list={list.map((r) => [r.asked, r.name])} at={at} set={(r) => setQuery('for', r)} />}
      <div class="charts" aria-busy={busy}>
        {[...v.charts].reverse().map((c) => (
          <Chart key={c.id} chart={c} table={table} onTable={(on) => setQuery('table', on ? '1' : '')} />
        ))}
      </div>
    </Section>
  )
}

import { useEffect, useState } from 'preact/hooks'
import { useData } from '../data'
import { useKeys } from '../keys'
import { go, setQuery } from '../route'
import { Icon, Status, Time } from '../ui'
import { Nothing } from './nothing'
import type { PlanList, PlanRow, StatusView } from '../types'

const filters = { '': 'all', open: 'open', waiting: 'needs a person', closed: 'over' } as const

function fits(p: PlanRow, f: string): boolean {
  switch (f) {
    case 'open':
      return !p.final
    case 'waiting':
      return !p.final && ['wait', 'bad', 'warn'].includes(p.tone)
    case 'closed':
      return p.final
  }
  return true
}

export function PlansPage({ url }: { url: URL }) {
  const plans = useData<PlanList>('/api/v1/plans', '')
  const status = useData<StatusView>('/api/v1/status', '')
  const [at, setAt] = useState(-1)
  const filter = url.searchParams.get('show') ?? ''
  const rows = (plans.value?.plans ?? []).filter((p) => fits(p, filter))
  useEffect(() => void (document.title = 'Plans · Pitwall'), [])
  const move = (by: number) => {
    const i = Math.max(0, Math.min(rows.length - 1, at + by))
    setAt(i)
    document.getElementById('plan-' + rows[i]?.id)?.focus()
  }
  useKeys({ j: () => move(1), k: () => move(-1), Enter: () => rows[at] && go(`/plans/${rows[at].id}`) })
  if (!plans.value) return <Nothing trouble={plans.trouble} since={plans.since} what="the plans" />
  return (
    <main>
      <Now s={status.value} />
      <header class="title">
        <h1>Plans</h1>
        <span class="seg" role="group" aria-label="Which plans">
          {Object.entries(filters).map(([k, word]) => (
            <button type="button" key={k} aria-pressed={filter === k} onClick={() => setQuery('show', k)}>
              {word} {plans.value!.plans.filter((p) => fits(p, k)).length}
            </button>
          ))}
        </span>
      </header>
      {rows.length > 0 && <PlanTable rows={rows} />}
      {!plans.value.plans.length && <p class="empty soft">No plan was ever opened here. One opens by itself when an objective burns.</p>}
      {plans.value.plans.length > 0 && !rows.length && <p class="empty soft">No plan is {filters[filter as keyof typeof filters]}.</p>}
      {status.value && <Sources s={status.value} />}
    </main>
  )
}

// Now is the first thing on call; when nothing burns, that sentence is the page.
export function Now({ s }: { s: StatusView | null }) {
  if (!s) return null
  return (
    <p class={`now ${s.calm ? 'calm' : ''} ${s.tone}`} aria-live="polite">
      <Icon tone={s.tone} /> {s.sentence}
    </p>
  )
}

export function PlanTable({ rows }: { rows: PlanRow[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Plans">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">plan</th>
            <th scope="col">state</th>
            <th scope="col">what, and how it stands</th>
            <th scope="col">phases</th>
            <th scope="col">owner</th>
            <th scope="col">due</th>
            <th scope="col" class="n">opened</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((p) => (
            <tr key={p.id} class={p.final ? 'over' : ''}>
              <th scope="row">
                <a id={`plan-${p.id}`} class="cover" href={`/plans/${p.id}`}>
                  {p.id}
                </a>
              </th>
              <td>
                <Status tone={p.tone}>{p.state_word}</Status>
              </td>
              <td class="what">
                <b>
                  {p.service} · {p.what}
                </b>
                <span>{p.sentence}</span>
              </td>
              <td>
                <span class="dots" role="img" aria-label={`${p.rail.filter((r) => r === 'done').length} of ${p.rail.length} phases done`}>
                  {p.rail.map((r, i) => (
                    <i key={i} class={r} />
                  ))}
                </span>
              </td>
              <td class="nowrap">{p.owner}</td>
              <td class={p.overdue ? 'bad' : 'soft'}>{p.due}</td>
              <td class="n soft">
                <Time t={p.opened_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export function Sources({ s }: { s: StatusView }) {
  if (!s.sources.length) return null
  return (
    <section class="sources">
      <h2>What Pitwall sees</h2>
      <ul>
        {s.sources.map((x) => (
          <li key={x.name}>
            <Status tone={x.tone}>{x.name}</Status>
            <span class="soft">
              {x.state} · {x.accepted} taken{x.rejected !== '0' && `, ${x.rejected} refused`}
            </span>
            {x.message && <span class="soft">{x.message}</span>}
            {x.tone !== 'ok' && x.blind && <span>Not seen without it: {x.blind}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}

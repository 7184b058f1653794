import { useEffect } from 'preact/hooks'
import { Chart } from '../chart'
import { useData } from '../data'
import { setQuery } from '../route'
import { Meter, Num, Status } from '../ui'
import { Nothing } from './nothing'
import { Now, PlanTable } from './plans'
import type { SLOList, SLOView, StatusView, TierRow } from '../types'

export function SLOsPage() {
  const { value, trouble, since } = useData<SLOList>('/api/v1/slos', '')
  const status = useData<StatusView>('/api/v1/status', '')
  useEffect(() => void (document.title = 'SLOs · Pitwall'), [])
  if (!value) return <Nothing trouble={trouble} since={since} what="the SLOs" />
  return (
    <main>
      <Now s={status.value} />
      <header class="title">
        <h1>SLOs</h1>
        <span class="soft">the least budget first</span>
      </header>
      {!value.slos.length && <p class="empty soft">No SLO is configured, so nothing is watched. Name an OpenSLO file in pitwall.yaml.</p>}
      {value.slos.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="SLOs">
          <table class="list slos">
            <thead>
              <tr>
                <th scope="col">objective</th>
                <th scope="col">state</th>
                <th scope="col" class="n">measured</th>
                <th scope="col" class="n">target</th>
                <th scope="col">budget</th>
                <th scope="col" class="n">burn</th>
                <th scope="col" class="n">ends in</th>
                <th scope="col">plan</th>
              </tr>
            </thead>
            <tbody>
              {value.slos.map((s) => (
                <tr key={s.name}>
                  <th scope="row" class="what">
                    <b>
                      <a href={`/slos/${encodeURIComponent(s.name)}`}>{s.name}</a>
                    </b>
                    <span>{s.objective}</span>
                  </th>
                  <td>
                    <Status tone={s.tone}>{s.state}</Status>
                  </td>
                  <td class="n">
                    <Num maths={s.maths}>{s.measured}</Num>
                  </td>
                  <td class="n">{s.target}</td>
                  <td>
                    <span class="left">
                      <Meter share={s.left} tone={s.tone} label={`budget, ${s.left_text}`} />
                      <Num maths={s.maths}>{s.left_text}</Num>
                    </span>
                  </td>
                  <td class="n">
                    <Num maths={s.tiers[0]?.maths}>{s.burn}</Num>
                  </td>
                  <td class="n">{s.ends_in}</td>
                  <td>{s.plan ? <a href={`/plans/${s.plan}`}>{s.plan}</a> : <span class="soft">none open</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </main>
  )
}

export function SLOPage({ name, url }: { name: string; url: URL }) {
  const { value: v, trouble, since } = useData<SLOView>(`/api/v1/slos/${encodeURIComponent(name)}`, '')
  useEffect(() => void (document.title = `${name} · Pitwall`), [name])
  if (!v) return <Nothing trouble={trouble} since={since} what={`SLO ${name}`} />
  const table = url.searchParams.has('table')
  return (
    <main class="plan">
      <header class="head">
        <div class="crumb">
          <a href="/slos">SLOs</a>
          <span aria-hidden="true">/</span>
          <b>{v.name}</b>
          <span class="soft">{v.service}</span>
        </div>
        <h1>{v.objective}</h1>
        <div class="meta">
          <span class="pill">
            <Status tone={v.tone}>{v.state}</Status>
          </span>
          <span class="soft">{v.source}</span>
        </div>
      </header>
      <dl class="clocks">
        <div>
          <dt>objective</dt>
          <dd>{v.target}</dd>
        </div>
        <div>
          <dt>measured</dt>
          <dd>
            <Num maths={v.maths}>{v.measured}</Num>
          <small>
            {v.good} good, {v.bad} bad
          </small>
          </dd>
        </div>
        <div>
          <dt>budget</dt>
          <dd>
            <Num maths={v.maths}>{v.left_text}</Num>
          <small>ends in {v.ends_in} at this pace</small>
          </dd>
        </div>
        <div>
          <dt>burn</dt>
          <dd>{v.burn}<small>1× ends exactly with the window</small>
          </dd>
        </div>
      </dl>
      <section class="card">
        <div class="charts">
          {v.charts.map((c) => (
            <Chart key={c.id} chart={c} table={table} onTable={(on) => setQuery('table', on ? '1' : '')} />
          ))}
        </div>
      </section>
      <section class="card">
        <h3>Burn windows</h3>
        <Tiers tiers={v.tiers} />
      </section>
      {v.plans.length > 0 && (
        <section>
          <h3>Plans for this objective</h3>
          <PlanTable rows={v.plans} />
        </section>
      )}
      {v.yaml && (
        <details class="card">
          <summary>Definition</summary>
          <pre class="diff" tabIndex={0}>
            {v.yaml}
          </pre>
        </details>
      )}
    </main>
  )
}

function Tiers({ tiers }: { tiers: TierRow[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Burn windows">
      <table>
        <thead>
          <tr>
            <th scope="col">tier</th>
            <th scope="col">state</th>
            <th scope="col" class="n">fires above</th>
            <th scope="col" class="n">long window</th>
            <th scope="col" class="n">short window</th>
            <th scope="col">asks for</th>
          </tr>
        </thead>
        <tbody>
          {tiers.map((t) => (
            <tr key={t.name}>
              <th scope="row">{t.name}</th>
              <td>
                <Status tone={t.tone}>{t.state}</Status>
              </td>
              <td class="n">{t.factor}</td>
              <td class="n">
                <Num maths={t.maths}>{t.long}</Num>
              </td>
              <td class="n">
                <Num maths={t.maths}>{t.short}</Num>
              </td>
              <td>{t.action}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

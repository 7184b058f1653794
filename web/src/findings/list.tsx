import { useEffect, useState } from 'preact/hooks'
import './findings.css'
import { useData } from '../data'
import { useKeys } from '../keys'
import { Nothing, Old } from '../pages/nothing'
import { go } from '../route'
import { Icon, Status, Time } from '../ui'
import type { FindingRow, Findings, PassedRow, TrendRow } from '../types'

// FindingsPage is every change that was found though no objective burns, and
// below it what was seen and not reported, each with its one reason.
export function FindingsPage() {
  const { value, trouble, since } = useData<Findings>('/api/v1/findings', null)
  const [at, setAt] = useState(-1)
  useEffect(() => void (document.title = 'Findings · Pitwall'), [])
  const rows = value?.findings ?? []
  const move = (by: number) => {
    const i = Math.max(0, Math.min(rows.length - 1, at + by))
    setAt(i)
    document.getElementById('finding-' + rows[i]?.id)?.focus()
  }
  useKeys({ j: () => move(1), k: () => move(-1), Enter: () => rows[at] && go('/findings/' + rows[at].id) })
  if (!value) return <Nothing trouble={trouble} since={since} what="the findings" />
  const passed = value.not_reported.filter((p) => p.reason !== 'duplicate') // they are in a finding above
  return (
    <main class="findings">
      <p class={`now ${value.tone === 'ok' ? 'calm' : ''} ${value.tone}`} aria-live="polite">
        <Icon tone={value.tone} /> {value.text}
      </p>
      {trouble && <Old trouble={trouble} since={since} />}
      <header class="title">
        <h1>Findings</h1>
        <span class="soft">changes of operations, whether or not an objective burns</span>
      </header>
      {rows.length > 0 && <Rows rows={rows} />}
      {!rows.length && value.tone !== 'no-data' && <p class="empty soft">Nothing was found. Every operation that is watched is held against what is normal for its hour, minute by minute.</p>}
      {(passed.length > 0 || value.tone !== 'no-data') && <h2>Seen, and not reported</h2>}
      {passed.length > 0 && <Passed rows={passed} />}
      {!passed.length && value.tone !== 'no-data' && <p class="soft">Nothing else stands out from the noise.</p>}
      <h2>Slow drifts</h2>
      {value.trends.length > 0 && <Trends rows={value.trends} />}
      <p class="soft">{value.trend_text}</p>
    </main>
  )
}

function Trends({ rows }: { rows: TrendRow[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Slow drifts">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">service</th>
            <th scope="col">what creeps</th>
            <th scope="col">pace</th>
            <th scope="col">in words</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((t) => (
            <tr key={t.service + t.metric}>
              <td class="nowrap">{t.service}</td>
              <td>
                <Status tone={t.tone}>{t.kind}</Status>
                <div class="soft">{t.metric}</div>
              </td>
              <td>
                {t.pace}
                {t.ends && <div>{t.ends}</div>}
              </td>
              <td>{t.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Rows({ rows }: { rows: FindingRow[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Findings">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">finding</th>
            <th scope="col">state</th>
            <th scope="col">what moved</th>
            <th scope="col">by how much</th>
            <th scope="col">what happens</th>
            <th scope="col" class="n">since</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((f) => (
            <tr key={f.id}>
              <td class="nowrap">
                <a id={'finding-' + f.id} href={'/findings/' + f.id}>
                  {f.id}
                </a>
              </td>
              <td>
                <Status tone={f.tone}>{f.state}</Status>
              </td>
              <td>{f.what}</td>
              <td>
                {f.moved}
                {f.lately && !f.gone && <div class="soft">now {f.lately}</div>}
              </td>
              <td>
                {f.plan && <a href={'/plans/' + f.plan}>{f.plan}</a>} {f.next}
              </td>
              <td class="n nowrap">
                <Time t={f.onset.at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Passed({ rows }: { rows: PassedRow[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Seen and not reported">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">reason</th>
            <th scope="col">what moved</th>
            <th scope="col">why it is not reported</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((p) => (
            <tr key={p.what + p.reason + p.onset.at}>
              <td class="nowrap">
                <code>{p.reason}</code>
              </td>
              <td>
                {p.what} {p.moved}
              </td>
              <td>{p.why}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

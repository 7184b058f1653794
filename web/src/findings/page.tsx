import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import './findings.css'
import { Chart } from '../chart'
import { useData } from '../data'
import { Nothing, Old } from '../pages/nothing'
import { setQuery } from '../route'
import { Status, Time } from '../ui'
import type { FindingView } from '../types'

// FindingPage is one finding: the sentence, the numbers, the charts with the
// interval in which it began, and what changed beside it.
export function FindingPage({ id, url }: { id: string; url: URL }) {
  const { value: f, trouble, since } = useData<FindingView>('/api/v1/findings/' + encodeURIComponent(id), null)
  useEffect(() => void (document.title = id + ' · Pitwall'), [id])
  if (!f) return <Nothing trouble={trouble} since={since} what={'finding ' + id} />
  const table = url.searchParams.get('table') === '1'
  const facts: [string, ComponentChildren][] = [
    ['moved', f.moved],
    ['within', f.within && `${f.within} (95 %)`],
    ['now', !f.gone && f.lately],
    ['began', <Time t={f.onset.at} />],
    ['surely between', <><Time t={f.onset.earliest} /> and <Time t={f.onset.latest} /></>],
    ['found', <Time t={f.seen} />],
    ['what happens', <>{f.plan && <a href={'/plans/' + f.plan}>{f.plan}</a>} {f.next}</>],
  ]
  return (
    <main class="findings">
      {trouble && <Old trouble={trouble} since={since} />}
      <header class="title">
        <h1>{f.id}</h1>
        <Status tone={f.tone}>{f.state}</Status>
        <span class="soft">{f.what}</span>
      </header>
      <p>{f.why}</p>
      <dl class="facts">
        {facts.filter(([, value]) => value).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {f.charts.map((c) => (
        <Chart key={c.id} chart={c} table={table} onTable={(on) => setQuery('table', on ? '1' : '')} />
      ))}
      {!f.charts.length && <p class="soft">Its series are not watched any more, so there is no chart.</p>}
      {f.beside.length > 0 && <h2>Beside it</h2>}
      {f.beside.length > 0 && (
        <dl class="facts">
          {f.beside.map((b) => (
            <div key={b.label}>
              <dt>{b.label}</dt>
              <dd>{b.value}</dd>
            </div>
          ))}
        </dl>
      )}
      {f.state !== 'accepted' && !f.gone && (
        <p class="soft">
          If the new level is meant: <code>pitwall finding accept {f.id} --reason …</code>
        </p>
      )}
    </main>
  )
}

import { useEffect } from 'preact/hooks'
import './settings.css'
import { useData } from '../data'
import { Nothing, Old } from '../pages/nothing'
import { useTarget } from '../route'
import type { StatusView } from '../types'
import { About, Configuration } from './about'
import { Blind, First, Lead } from './blind'
import { Drifts, Services, Sources, Targets } from './tables'
import { whole, type Config, type Telemetry } from './shape'
import { Volumes } from './volume'
import { untouched } from './words'

// SettingsPage tells what Pitwall sees, what it does not, and how it is set.
export function SettingsPage({ url }: { url: URL }) {
  const telemetry = useData<Telemetry>('/api/v1/telemetry', null)
  const config = useData<Config>('/api/v1/config', null)
  const status = useData<StatusView>('/api/v1/status', '')
  useEffect(() => void (document.title = 'Sources and telemetry · Pitwall'), [])
  useTarget(url, !!telemetry.value)
  if (!telemetry.value) return <Nothing trouble={telemetry.trouble} since={telemetry.since} what="telemetry" />
  const t = whole(telemetry.value)
  const first = untouched(t)
  return (
    <main class="settings">
      <header class="title">
        <h1>Sources and telemetry</h1>
      </header>
      {telemetry.trouble && <Old trouble={telemetry.trouble} since={telemetry.since} />}
      <Lead t={t} calm={!t.blind.length && !first} />
      <nav class="parts" aria-label="On this page">
        {parts(t).map(([id, name, n]) => (
          <a key={id} href={`#${id}`}>
            {name} {n !== undefined && <span>{n}</span>}
          </a>
        ))}
      </nav>
      {first && <First slos={status.value?.slos ?? 0} keys={config.value?.keys ?? []} />}
      {t.blind.length > 0 && <Blind t={t} all={url.searchParams.get('blind') === 'all'} />}
      <Sources t={t} />
      <Services t={t} all={url.searchParams.get('services') === 'all'} />
      <Drifts t={t} />
      <Volumes t={t} />
      <Targets t={t} />
      <Configuration config={config} query={url.searchParams.get('q') ?? ''} set={url.searchParams.has('set')} />
      <About config={config.value} />
    </main>
  )
}

function parts(t: Telemetry): [string, string, number?][] {
  const list: [string, string, number?][] = [
    ['sources', 'Sources', t.sources.length],
    ['services', 'Services', t.services.length],
    ['drift', 'Drift', t.view.drifts.length],
    ['volume', 'Volume'],
    ['targets', 'Targets', t.targets.length],
    ['configuration', 'Configuration'],
    ['about', 'About'],
  ]
  return t.blind.length ? [['blind', 'Blind spots', t.blind.length], ...list] : list
}

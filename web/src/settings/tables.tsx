import { Status, Time } from '../ui'
import { setQuery } from '../route'
import { unitText } from '../units'
import { Section, Table, number } from './section'
import { count, ever, health, many, sends, signals, troubleFirst } from './words'
import type { Telemetry } from './shape'

export function Sources({ t }: { t: Telemetry }) {
  const rows = troubleFirst(t.sources, t.period.from)
  return (
    <Section id="sources" title="Sources" note="trouble first; counts since the start of this server">
      {!rows.length && <p class="soft">No source is configured.</p>}
      {rows.length > 0 && (
        <Table label="Sources" class="sourcelist" columns={['source', 'signal', 'health', 'last sample', number('lag', 'Median time from the event to its arrival here, of late'), number('accepted'), number('rejected'), number('duplicates', 'Deliveries that came again and were stored once'), 'last trouble, and what cannot be seen without it']}>
          {rows.map((s) => {
            const h = health(s, t.period.from)
            return (
              <tr key={s.name}>
                <th scope="row" class="strong nowrap">
                  {s.name}
                </th>
                <td class="soft">{s.signal || '–'}</td>
                <td class="nowrap">
                  <Status tone={h.tone}>
                    {h.word} {h.since && <Time t={h.since} />}
                  </Status>
                </td>
                <td class="nowrap">{ever(s.last_seen) ? <Time t={s.last_seen} relative /> : <span class="soft">none</span>}</td>
                <td class="n">{s.lag_s ? unitText(s.lag_s, 's') : <span class="soft">not known</span>}</td>
                <td class="n">{count(s.accepted)}</td>
                <td class={s.rejected ? 'n warn' : 'n'}>{count(s.rejected)}</td>
                <td class="n">{count(s.duplicates ?? 0)}</td>
                <td class="said">
                  {s.message && <span>{s.message}</span>}
                  {s.blind && <small>Without it: {s.blind}</small>}
                </td>
              </tr>
            )
          })}
        </Table>
      )}
    </Section>
  )
}

const shown = 40

export function Services({ t, all }: { t: Telemetry; all: boolean }) {
  const list = t.services.map((s, i) => ({ ...s, row: t.view.services[i] }))
  const rows = all ? list : list.slice(0, shown)
  return (
    <Section id="services" title="Services and their signals" note={`the least covered first; trace context of all: ${t.view.context}`}>
      {!rows.length && <p class="soft">No service was seen in {t.view.period}.</p>}
      {rows.length > 0 && (
        <Table label="Services and their signals" class="matrix" columns={['service', 'versions', number('requests'), ...signals, { name: 'trace context', title: 'Share of calls whose caller is in the same trace, with its 95 % interval' }]}>
          {rows.map((s) => (
            <tr key={s.service}>
              <th scope="row" class="strong nowrap">
                {s.service}
              </th>
              <td class={s.versions?.length ? 'nowrap' : 'warn nowrap'}>{s.row?.versions}</td>
              <td class="n">{count(s.requests)}</td>
              {signals.map((k) => {
                const c = sends(s, k)
                return (
                  <td key={k} class={`nowrap ${c.tone === 'no-data' ? 'unknown' : ''}`}>
                    <Status tone={c.tone}>{c.word}</Status>
                  </td>
                )
              })}
              <td class="nowrap">{s.row?.context}</td>
            </tr>
          ))}
        </Table>
      )}
      {list.length > shown && (
        <button type="button" class="quiet more" aria-expanded={all} onClick={() => setQuery('services', all ? '' : 'all')}>
          {all ? `Only the first ${shown}` : `Show ${many(list.length - shown, 'more service')}`}
        </button>
      )}
    </Section>
  )
}

export function Drifts({ t }: { t: Telemetry }) {
  const rows = t.view.drifts
  return (
    <Section id="drift" title="What releases stopped telling" note="not how a service behaves, but what it tells of it">
      {!rows.length && <p class="soft">No release of the last day is known to have changed its telemetry.</p>}
      {rows.length > 0 && (
        <Table label="What releases stopped telling" columns={['service', 'release', 'what', 'change', 'what follows']}>
          {rows.map((d, i) => (
            <tr key={i}>
              <th scope="row" class="strong nowrap">
                {d.service}
              </th>
              <td class="nowrap">{d.release}</td>
              <td class="said">{d.what}</td>
              <td class="nowrap">{d.change}</td>
              <td class="said soft">{d.means}</td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  )
}

export function Targets({ t }: { t: Telemetry }) {
  return (
    <Section id="targets" title="Targets" note="what Pitwall can change">
      {!t.targets.length && <p class="soft">None: a cause can be named, but no fix can be tried. Set target.url and target.services.</p>}
      {t.targets.length > 0 && (
        <Table label="Targets" columns={['target', 'changes', 'health', 'it says']}>
          {t.targets.map((x) => (
            <tr key={x.name}>
              <th scope="row" class="strong nowrap">
                {x.name}
              </th>
              <td>{x.service || <span class="soft">gates, alerts and runbooks</span>}</td>
              <td class="nowrap">
                <Status tone={x.up ? 'ok' : 'bad'}>{x.up ? 'answers' : 'does not answer'}</Status>
              </td>
              <td class="said soft">{x.message || '–'}</td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  )
}

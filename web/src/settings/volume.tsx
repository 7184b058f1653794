import { Meter, Time } from '../ui'
import { diskText, sig } from '../units'
import { Section, Table, number } from './section'
import { cost, count, ever, length, short } from './words'
import type { Named, Telemetry, Volume } from './shape'

export function Volumes({ t }: { t: Telemetry }) {
  const costs = t.signals.some((v) => v.cost_per_retention_day)
  return (
    <Section id="volume" title="Volume and retention" note="the oldest goes first when a budget is full">
      {!t.signals.length && <p class="soft">Nothing is stored here, or how much is not known.</p>}
      {t.signals.length > 0 && (
        <Table label="Volume and retention" columns={['signal', number('comes in'), 'on the disk', number('a day takes'), 'kept for', 'oldest', ...(costs ? [number('cost of a day kept')] : [])]}>
          {t.signals.map((v) => (
            <tr key={v.signal}>
              <th scope="row" class="strong">
                {v.signal}
              </th>
              <td class="n">
                {rate(v.per_second)} {v.unit}/s
              </td>
              <td>
                <Disk v={v} />
              </td>
              <td class="n">{v.bytes_per_day > 0 ? diskText(v.bytes_per_day) : <span class="soft">not known</span>}</td>
              <td>
                {v.retention_ns > 0 ? length(v.retention_ns) : <span class="soft">not limited</span>}
                {short(v) && <small class="warn">{short(v)}</small>}
              </td>
              <td class="nowrap">{ever(v.since) ? <Time t={v.since!} relative /> : <span class="soft">{v.bytes > 0 ? 'not known' : 'nothing kept'}</span>}</td>
              {costs && <td class="n">{v.cost_per_retention_day ? cost(v.cost_per_retention_day, v.currency) : '–'}</td>}
            </tr>
          ))}
        </Table>
      )}
      <Cardinality t={t} />
    </Section>
  )
}

const rate = (n: number) => (n >= 1000 ? count(Math.round(n)) : sig(n))

function Disk({ v }: { v: Volume }) {
  if (v.budget_bytes <= 0) return <>{diskText(v.bytes)}</>
  const share = v.bytes / v.budget_bytes
  const text = `${diskText(v.bytes)} of ${diskText(v.budget_bytes)}`
  return (
    <span class="left">
      <Meter share={share} tone={share > 0.9 ? 'warn' : 'active'} label={`${v.signal}: ${text}`} />
      {text}
    </span>
  )
}

function Cardinality({ t }: { t: Telemetry }) {
  const c = t.cardinality
  if (!c) return <p class="soft below">How many metric series there are is not known: their store is elsewhere.</p>
  return (
    <div class="below">
      <h3>
        {count(c.series)} metric series <span class="soft">of the last {length(c.of_ns)}</span>
      </h3>
      <div class="pair">
        <Top name="metrics with the most series" unit="series" rows={c.metrics ?? []} />
        <Top name="labels with the most values" unit="values" rows={c.labels ?? []} />
      </div>
    </div>
  )
}

function Top({ name, unit, rows }: { name: string; unit: string; rows: Named[] }) {
  if (!rows.length) return <p class="soft">No {name}.</p>
  const most = Math.max(...rows.map((r) => r.count))
  return (
    <Table label={name} class="top-list" columns={[name, number(unit)]}>
      {rows.map((r) => (
        <tr key={r.name}>
          <th scope="row">
            <code>{r.name}</code>
            <span class="share" aria-hidden="true" style={{ width: `${(100 * r.count) / most}%` }} />
          </th>
          <td class="n">{count(r.count)}</td>
        </tr>
      ))}
    </Table>
  )
}

import { setQuery } from '../route'
import { Table, number } from '../settings/section'
import { Choice } from '../slo/parts'
import { copy, Icon } from '../ui'
import type { RequestView, Traces } from '../types'
import { pairOf } from './words'

// Requests shows a slow request beside a typical one on one scale, and below
// them what differs, place by place.
export function Requests({ t, asked }: { t: Traces; asked: string }) {
  const pair = pairOf(t.traces, asked)
  const slow = t.traces.filter((x) => x.kind !== 'typical')
  return (
    <>
      <p>{t.summary}</p>
      {slow.length > 1 && <Choice label="Which slow request" list={slow.map((x) => [x.trace_id, x.title])} at={pair[0]?.trace_id ?? ''} set={(id) => setQuery('trace', id === slow[0]!.trace_id ? '' : id)} />}
      <p class="legend soft">
        <span>
          <i class="active" /> how long the request waited for its own work
        </span>
        <span>
          <i class="none" /> the rest of the span
        </span>
        <span class="scale">both on one scale of {t.scale}</span>
      </p>
      <div class="side-by-side">
        {pair.map((x) => (
          <One key={x.trace_id} r={x} />
        ))}
      </div>
      {t.rows.length > 0 && (
        <>
          <h3>How long the request waited for the work of each place</h3>
          <Table label="What differs, place by place" columns={['place', number('typical'), number('slow'), number('added'), number('calls'), number('response')]}>
            {t.rows.map((r) => (
              <tr key={r.place}>
                <th scope="row" class={r.tone === 'warn' ? 'strong' : ''}>
                  {r.tone === 'warn' && <Icon tone="warn" />} {r.place}
                </th>
                <td class="n">{r.typical}</td>
                <td class="n">{r.slow}</td>
                <td class={`n ${r.tone}`}>{r.delta}</td>
                <td class="n">{r.calls}</td>
                <td class="n">{r.bytes}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  )
}

function One({ r }: { r: RequestView }) {
  return (
    <section class="request" aria-label={r.title}>
      <header>
        <h3>{r.title}</h3>
        <button type="button" class="quiet" title="Copy the trace id" onClick={() => void copy(r.trace_id, 'Trace id')}>
          {r.trace_id.slice(0, 8)}
        </button>
      </header>
      <p class="heads soft" aria-hidden="true">
        <span>span</span>
        <span />
        <span class="n">took</span>
        <span class="n">own</span>
      </p>
      <ul class="spans">
        {r.spans.map((s, i) => (
          <li key={i} title={`${s.service} ${s.operation}: begins at ${s.offset}, takes ${s.duration}; the request waits ${s.critical} for its own work${s.bytes ? `; answers ${s.bytes}` : ''}`}>
            <span class="name" style={{ paddingLeft: `${Math.min(s.depth, 8) * 12}px` }}>
              <span>
                <b>{s.service}</b> {s.operation}
              </span>
              {s.repeats && <em>{s.repeats}</em>}
              {s.failed && (
                <em class="bad">
                  <Icon tone="bad" /> failed
                </em>
              )}
            </span>
            <span class="lane">
              <i class="none" style={{ left: `${s.from * 100}%`, width: `${Math.max(0.4, (s.to - s.from) * 100)}%` }} />
              <i class="active" style={{ left: `${s.from * 100}%`, width: `${Math.min(s.to - s.from, s.own) * 100}%` }} />
            </span>
            <span class="n">{s.duration}</span>
            <span class="n soft">
              <span class="sr">own </span>
              {s.critical}
            </span>
          </li>
        ))}
      </ul>
      {r.left && <p class="soft">{r.left}</p>}
    </section>
  )
}

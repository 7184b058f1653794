import { Line, Section, Table, number } from '../settings/section'
import { Meter, Num, Status } from '../ui'
import type { Correction, SLOView } from '../types'
import { Between, Plain, When } from './parts'
import { correctLine, opOf } from './words'

// What stands behind an objective: how fast it notices, what was taken out of
// it, what it is made of, and how it is written.

export function Noticed({ v }: { v: SLOView }) {
  if (!v.detection) return null
  return (
    <Section id="noticed" title="How fast a burn is noticed" note="a constant burn that begins while all is well">
      <Plain t={v.detection} label="How fast a burn is noticed" />
    </Section>
  )
}

export function Corrections({ v }: { v: SLOView }) {
  return (
    <Section id="corrections" title="Corrections" note="time that counts neither as good nor as bad; every one is in the record">
      {!v.corrections.length && <p class="soft">None. Every step of the window counts.</p>}
      {v.corrections.length > 0 && (
        <Table label="Corrections" columns={['correction', 'from, to', number('length'), 'of', 'why', 'who, when', 'state']}>
          {v.corrections.map((c) => (
            <Row key={c.id} c={c} />
          ))}
        </Table>
      )}
      <p class="below">
        Take a stretch out: <Line text={correctLine(v.name, Date.parse(v.budget.at))} />
      </p>
    </Section>
  )
}

function Row({ c }: { c: Correction }) {
  return (
    <tr>
      <th scope="row" class="strong nowrap">
        {c.id}
      </th>
      <td>
        <Between from={c.period.from} to={c.period.to} />
      </td>
      <td class="n">{c.span}</td>
      <td>{c.scope}</td>
      <td class="said">{c.reason}</td>
      <td>
        {c.by}
        <small>
          <When t={c.at} />
        </small>
      </td>
      <td>
        <Status tone={c.revoked ? 'none' : 'ok'}>{c.state}</Status>
      </td>
    </tr>
  )
}

export function Members({ v }: { v: SLOView }) {
  return (
    <Section id="members" title="Members" note="what this objective is made of">
      <Table label="Members" columns={['objective', 'state', number('measured'), number('target'), 'budget', number('burn')]}>
        {v.members.map((m) => (
          <tr key={m.name}>
            <th scope="row" class="strong">
              <a href={`/slos/${encodeURIComponent(m.name)}`}>{m.name}</a>
              <small>{m.objective}</small>
            </th>
            <td>
              <Status tone={m.tone}>{m.state}</Status>
            </td>
            <td class="n">
              <Num maths={m.maths}>{m.measured}</Num>
            </td>
            <td class="n">{m.target}</td>
            <td>
              <span class="left">
                <Meter share={m.left} tone={m.tone} label={`budget, ${m.left_text}`} />
                {m.left_text}
              </span>
            </td>
            <td class="n">{m.burn}</td>
          </tr>
        ))}
      </Table>
    </Section>
  )
}

// Definition is the text of now, and what changed in it before.
export function Definition({ v }: { v: SLOView }) {
  return (
    <Section id="definition" title="Definition" note={v.source}>
      {!v.yaml && <p class="soft">Its text is not kept: it was read from another format.</p>}
      {v.yaml && (
        <details open={v.definitions.length === 0}>
          <summary>As it is in force</summary>
          <pre class="diff plain" tabIndex={0} aria-label="Definition in force">
            {v.yaml}
          </pre>
        </details>
      )}
      {v.definitions.map((d, i) => (
        <details key={d.at + d.source} open={i === 0 && v.definitions.length > 1}>
          <summary>
            {i === v.definitions.length - 1 ? 'First read' : 'Changed'} <When t={d.at} /> <span class="soft">{d.source}</span>
          </summary>
          <pre class="diff" tabIndex={0} aria-label={`Change of ${d.at}`}>
            {d.diff.split('\n').map((line, j) => (
              <span key={j} class={i === v.definitions.length - 1 ? '' : opOf(line)}>
                {line}
                {'\n'}
              </span>
            ))}
          </pre>
        </details>
      ))}
    </Section>
  )
}

import { Table } from '../settings/section'
import { Status, Time } from '../ui'
import type { ChangeView, RuledOut } from '../types'

// Changes lists what happened to the world, and of each whether it is blamed.
export function Changes({ list }: { list: ChangeView[] }) {
  return (
    <Table label="Changes" class="changes" columns={['', 'change', 'when', 'why']}>
      {list.map((c) => (
        <tr key={c.id}>
          <td class="nowrap">
            <Status tone={c.tone}>{c.word}</Status>
          </td>
          <th scope="row" class={c.blamed ? 'strong' : ''}>
            {c.line}
            <small>
              {c.how}
              {c.link && (
                <>
                  {', '}
                  <a href={c.link} rel="noreferrer">
                    look at it
                  </a>
                </>
              )}
            </small>
            {c.hints.map((h) => (
              <small key={h}>
                <code>{h}</code>
              </small>
            ))}
          </th>
          <td>
            {c.distance}
            <small>
              <Time t={c.at} />
            </small>
          </td>
          <td>{c.why}</td>
        </tr>
      ))}
    </Table>
  )
}

// Ruled says of what may look guilty why it is not named. Checks that were clear
// are on the board already, so they are folded.
export function Ruled({ list }: { list: RuledOut[] }) {
  const clear = list.filter((r) => r.kind === 'check')
  const rest = list.filter((r) => r.kind !== 'check')
  return (
    <>
      {!rest.length && <p class="soft">No other hypothesis and no other change had to be ruled out.</p>}
      <Reasons list={rest} />
      {clear.length > 0 && (
        <details open={!rest.length}>
          <summary>{clear.length === 1 ? 'One check was clear' : `${clear.length} checks were clear`}</summary>
          <Reasons list={clear} />
        </details>
      )}
    </>
  )
}

function Reasons({ list }: { list: RuledOut[] }) {
  return (
    <dl class="reasons">
      {list.map((r) => (
        <div key={r.kind + r.what}>
          <dt>
            {r.what} <span class="soft">{r.kind}</span>
          </dt>
          <dd>{r.because}</dd>
        </div>
      ))}
    </dl>
  )
}

import { setQuery } from '../route'
import { Section, Table, number } from '../settings/section'
import { Num } from '../ui'
import type { SLOView, SpentRow, SpentView } from '../types'
import { Between, Choice, Late } from './parts'

// Spent tells the bad events apart: by operation, version, tenant or deploy.
export function Spent({ v, by, since }: { v: SLOView; by: string; since: string }) {
  const at = by || v.dimensions[0]
  if (!at) {
    return (
      <Section id="spent" title="What spent it">
        <p class="soft">
          {v.members.length > 0 ? (
            <>
              It is made of <a href="#members">other objectives</a>; ask which of them spent it, and there what did.
            </>
          ) : (
            `Its bad events cannot be told apart: it is counted from ${v.counted}, and nothing else is known of them.`
          )}
        </p>
      </Section>
    )
  }
  const query = new URLSearchParams({ by: at, since: since || '1h' })
  return (
    <Late<SpentView>
      id="spent"
      title="What spent it"
      note="bars are shares of all bad events, with their 95 % intervals"
      what="what spent the budget"
      path={`/api/v1/slos/${encodeURIComponent(v.name)}/spent?${query}`}
    >
      {(s) => <Shares s={s} by={at} all={[...new Set([at, ...v.dimensions, ...s.dimensions])]} />}
    </Late>
  )
}

const shown = 8

function Shares({ s, by, all }: { s: SpentView; by: string; all: string[] }) {
  return (
    <>
      <p class="lead">{s.sentence}</p>
      <div class="filter">
        <Dimension list={[...all].sort((a, b) => rank(s, a) - rank(s, b))} at={by} />
        <span class="soft">
          <Between from={s.period.from} to={s.period.to} />
          {s.rows.length > 0 && (
            <>
              {' '}
              · <Num maths={s.maths}>{s.covered}</Num> of the bad events told apart
            </>
          )}
        </span>
      </div>
      {!s.rows.length && !s.note && <p class="soft">Nothing bad to tell apart in this period.</p>}
      {s.rows.length > 0 && <Bars s={s} />}
      {s.note && <p class="soft below">{s.note}</p>}
    </>
  )
}

// rank keeps the order of the server: the most telling first.
const rank = (s: SpentView, d: string) => (s.dimensions.includes(d) ? s.dimensions.indexOf(d) : 999)

// Dimension chooses among a few by buttons, among many by a list.
function Dimension({ list, at }: { list: string[]; at: string }) {
  if (list.length <= shown) return <Choice label="Told apart by" list={list.map((d) => [d, d])} at={at} set={(d) => setQuery('by', d)} />
  return (
    <label>
      <span class="sr">Told apart by</span>
      <select value={at} onChange={(e) => setQuery('by', e.currentTarget.value)}>
        {list.map((d) => (
          <option key={d} value={d}>
            {d}
          </option>
        ))}
      </select>
    </label>
  )
}

function Bars({ s }: { s: SpentView }) {
  return (
    <Table label={`What spent it, by ${s.by}`} class="spent" columns={[s.by, { name: 'share of all bad', class: 'g' }, number('budget spent'), number('bad'), number('of its own'), number('beyond its traffic', 'Bad events beyond what its share of the traffic would give')]}>
      {s.rows.map((r) => (
        <tr key={r.value}>
          <th scope="row" class="strong">
            {r.value || '(none)'}
          </th>
          <td class="g">
            <Bar r={r} />
            <small>
              {r.of_bad} ({r.of_bad_low} to {r.of_bad_high})
            </small>
          </td>
          <td class="n">{r.spent}</td>
          <td class="n">
            {r.bad} of {r.total}
          </td>
          <td class="n">{r.bad_share}</td>
          <td class="n">{r.excess}</td>
        </tr>
      ))}
    </Table>
  )
}

const percent = (x: number) => `${Math.max(0, Math.min(1, x)) * 100}%`

// Bar is a share with the whisker of its interval; the words stand below it.
function Bar({ r }: { r: SpentRow }) {
  return (
    <span class="whisker" aria-hidden="true">
      <span class="fill" style={{ width: percent(r.share) }} />
      <span class="reach" style={{ left: percent(r.share_low), width: percent(r.share_high - r.share_low) }} />
    </span>
  )
}

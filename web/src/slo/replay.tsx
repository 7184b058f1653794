import { useState } from 'preact/hooks'
import { setQuery } from '../route'
import { Table, number } from '../settings/section'
import { Status } from '../ui'
import type { ReplayFiring, ReplayTier, ReplayView } from '../types'
import { Between, Choice, Late, Plain, When } from './parts'
import { policies, replayPath } from './words'

// Replay runs a policy over what happened: how often it would have fired, how
// late. It is the slowest question here, so it waits until a policy is chosen.
export function Replay({ name, policy }: { name: string; policy: string }) {
  return (
    <Late<ReplayView>
      id="replay"
      title="Replay of a policy"
      note="the code that judges now, over the history kept"
      what="how that policy would have behaved"
      path={policy ? replayPath(name, policy) : null}
      before={
        <>
          <Choice label="Policy" list={policies.map((p) => [p, p === 'own' ? 'as it is now' : p])} at={policy} set={(p) => setQuery('preset', p)} />
          {!policy && <p class="soft">Choose a policy; nothing is changed by it.</p>}
        </>
      }
    >
      {(r) => <Ran r={r} />}
    </Late>
  )
}

function Ran({ r }: { r: ReplayView }) {
  return (
    <>
      <p class="lead">{r.sentence}</p>
      <p class="soft">
        <Between from={r.period.from} to={r.period.to} />. The budget: {r.left_text}. At worst: {r.worst}.
      </p>
      <TierTimes tiers={r.tiers} />
      {r.missed.length > 0 && (
        <div class="below">
          <h3>Incidents of which nobody was paged</h3>
          <ul>
            {r.missed.map((m) => (
              <li key={m}>{m}</li>
            ))}
          </ul>
        </div>
      )}
      <div class="below">
        <h3>Each firing</h3>
        {!r.firings.length && <p class="soft">None would have fired in this period.</p>}
        {r.firings.length > 0 && <Firings list={r.firings} />}
      </div>
      {r.detection && (
        <details class="below">
          <summary>How fast this policy notices which burn</summary>
          <Plain t={r.detection} label="How fast this policy notices which burn" />
        </details>
      )}
      {r.note && <p class="soft below">{r.note}</p>}
    </>
  )
}

function TierTimes({ tiers }: { tiers: ReplayTier[] }) {
  return (
    <Table label="How often each tier would have fired" columns={['tier', 'fires when it', 'asks for', number('times'), number('a week'), number('longest')]}>
      {tiers.map((t) => (
        <tr key={t.name}>
          <th scope="row" class="strong nowrap">
            <Status tone={t.tone}>{t.name}</Status>
          </th>
          <td>{t.when}</td>
          <td>{t.action}</td>
          <td class="n">{t.times}</td>
          <td class="n">{t.per_week}</td>
          <td class="n">{t.longest}</td>
        </tr>
      ))}
    </Table>
  )
}

const first = 50

function Firings({ list }: { list: ReplayFiring[] }) {
  const [all, set] = useState(false)
  const rows = all ? list : list.slice(0, first)
  return (
    <>
      <Table label="Each firing" tall columns={['tier', 'asks for', 'from', number('lasted'), number('spent when it began'), 'incident', number('late by')]}>
        {rows.map((f, i) => (
          <tr key={i}>
            <th scope="row" class="strong nowrap">
              {f.tier}
            </th>
            <td>{f.action}</td>
            <td class="nowrap">
              <When t={f.from} />
            </td>
            <td class="n">{f.lasted}</td>
            <td class="n">{f.spent}</td>
            <td>{f.incident || <span class="soft">none known</span>}</td>
            <td class="n">{f.late || '–'}</td>
          </tr>
        ))}
      </Table>
      {list.length > first && (
        <button type="button" class="quiet more" aria-expanded={all} onClick={() => set(!all)}>
          {all ? `Only the first ${first}` : `Show ${list.length - first} more`}
        </button>
      )}
    </>
  )
}

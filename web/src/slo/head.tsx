import { Icon, Meter, Num, Status } from '../ui'
import type { SLOView } from '../types'
import { When } from './parts'
import { corrected, counted, ends, leftAndSeen, measuredMaths, objectiveMaths, passed } from './words'

export function Head({ v }: { v: SLOView }) {
  return (
    <header class="head">
      <div class="crumb">
        <a href="/slos">SLOs</a>
        <span aria-hidden="true">/</span>
        {v.part_of && v.part_of !== v.name && (
          <>
            <a href={`/slos/${encodeURIComponent(v.part_of)}`}>{v.part_of}</a>
            <span aria-hidden="true">/</span>
          </>
        )}
        <b>{v.name}</b>
        <span class="soft">{v.service}</span>
      </div>
      <h1>{v.objective}</h1>
      {v.description && <p class="soft">{v.description}</p>}
      <div class="meta">
        <span class="pill" aria-live="polite">
          <Status tone={v.tone}>{v.state}</Status>
        </span>
        {v.plan && (
          <span>
            plan <a href={`/plans/${v.plan}`}>{v.plan}</a>
          </span>
        )}
        {v.owner && <span>owner {v.owner}</span>}
        <span>{v.window}</span>
        <span class="soft">counted from {v.counted}</span>
        <span class="soft">{v.source}</span>
      </div>
    </header>
  )
}

// Troubles say what the numbers below cannot: that they are old, missing or few.
export function Troubles({ v }: { v: SLOView }) {
  if (v.problem) {
    return (
      <div class="loud bad" role="alert">
        <Icon tone="bad" />
        <div>
          <b>Its numbers cannot be read</b>
          <p>{v.problem}</p>
          <p class="next">It is read again by itself. Until then nothing is judged here: what you see was counted before. Other objectives are judged as ever.</p>
        </div>
      </div>
    )
  }
  if (v.waiting) {
    return (
      <p class="waiting">
        <Meter share={v.waiting.share} tone="active" label={v.waiting.text} />
        <span>Not enough data: {v.waiting.text}. Tiers with shorter windows are judged already.</span>
      </p>
    )
  }
  if (!v.budget.known) {
    return (
      <p class="waiting">
        <Meter share={0} tone="no-data" label="no data" />
        <span>No data: nothing was counted in the window. That is not the same as healthy, and no tier can fire.</span>
      </p>
    )
  }
  return null
}

// Numbers are the three that matter: what was promised, what is, what is left.
export function Numbers({ v }: { v: SLOView }) {
  const b = v.budget
  const p = passed(b)
  const out = corrected(b)
  const [left, seen] = leftAndSeen(v.left_text)
  return (
    <dl class="clocks three">
      <div>
        <dt>objective</dt>
        <dd>
          <Num maths={objectiveMaths(v)}>{v.target}</Num>
          <small>{v.window}</small>
          {p && (
            <small class="left">
              <Meter share={p.share} tone="active" label={`${p.text} are over`} />
              <span>
                {p.text} are over, ends <When t={p.ends} />
              </span>
            </small>
          )}
        </dd>
      </div>
      <div>
        <dt>measured</dt>
        <dd>
          <Num maths={measuredMaths(v)}>{v.measured}</Num>
          <small>{counted(v)}</small>
        </dd>
      </div>
      <div>
        <dt>budget left</dt>
        <dd>
          <Num maths={v.maths} tone={v.tone === 'bad' ? 'bad' : undefined}>
            {left}
          </Num>
          {seen && <small>{seen}</small>}
          <Meter share={v.left} tone={v.tone} label={`budget, ${v.left_text}`} />
          <small>
            burns <Num maths={v.burn_maths ?? v.tiers[0]?.maths}>{v.burn}</Num>, <Num maths={v.ends_maths}>{ends(v, b)}</Num>
          </small>
          {v.projected && <small><Num maths={v.projected_maths}>{v.projected}</Num> will be spent when the period ends, at the traffic of the last one</small>}
          {out && (
            <small>
              <a href="#corrections">{out}</a>
            </small>
          )}
        </dd>
      </div>
    </dl>
  )
}

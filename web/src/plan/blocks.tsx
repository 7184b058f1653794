import { useState } from 'preact/hooks'
import { Chart } from '../chart'
import { Facts, Icon, Meter, Num, Status } from '../ui'
import type { Block, Check, Comparison, Evidence, FileDiff, Flame, FrameRow, Hypothesis, Step, Table, Waterfall } from '../types'

// Evidence lays out the blocks of a moment: the answer open, charts side by
// side, and what backs it up folded, each fold saying what is in it. A kind
// this version does not know is left out rather than shown wrongly.
export function EvidenceBlocks({ blocks, table, onTable }: { blocks: Block[]; table: boolean; onTable: (on: boolean) => void }) {
  const groups: Block[][] = []
  for (const b of blocks) {
    const last = groups[groups.length - 1]
    if (b.chart && last?.[0]?.chart) last.push(b)
    else groups.push([b])
  }
  const skipped = blocks.flatMap((b) => b.checks ?? []).filter((c) => c.outcome === 'skipped' || c.outcome === 'error')
  return (
    <>
      {groups.map((g, i) =>
        g[0]!.chart ? (
          <section class="block charts" key={`charts-${i}`}>
            {g.map((b) => (
              <Chart key={b.chart!.id} chart={b.chart!} table={table} onTable={onTable} />
            ))}
          </section>
        ) : (
          <BlockView key={`${g[0]!.kind}-${g[0]!.title}`} b={g[0]!} skipped={skipped} table={table} onTable={onTable} folds={blocks.length > 3} />
        ),
      )}
    </>
  )
}

// gist is what a folded block comes to.
function gist(b: Block): string | null {
  if (b.checks) {
    const count = (o: string) => b.checks!.filter((c) => c.outcome === o).length
    return outcomes.filter(count).map((o) => `${count(o)} ${o}`).join(' · ')
  }
  if (b.waterfall) {
    const top = [...b.waterfall.bars].sort((x, y) => y.to - y.from - (x.to - x.from))[0]
    return top ? `${top.delta} in ${top.label}` : ''
  }
  if (b.flame) return b.flame.summary
  if (b.table) return `${b.table.rows.length} rows`
  return null
}

interface BlockProps { b: Block; table: boolean; onTable: (on: boolean) => void; folds: boolean; skipped: Check[] }

function BlockView({ b, table, onTable, folds, skipped }: BlockProps) {
  const body = b.hypotheses ? <Hypotheses list={b.hypotheses} skipped={skipped} /> : bodyOf(b, table, onTable)
  if (!body) return null
  const short = folds ? gist(b) : null
  if (short !== null) {
    return (
      <details class={`block fold ${b.kind}`}>
        <summary>
          <h3>{b.title}</h3>
          <span class="soft">{short}</span>
        </summary>
        {body}
      </details>
    )
  }
  return (
    <section class={`block ${b.kind}`}>
      {b.title && b.kind !== 'comparison' && <h3>{b.title}</h3>}
      {body}
    </section>
  )
}

function bodyOf(b: Block, table: boolean, onTable: (on: boolean) => void) {
  if (b.facts) return <Facts facts={b.facts} />
  if (b.checks) return <Checks list={b.checks} />
  if (b.waterfall) return <WaterfallTable w={b.waterfall} />
  if (b.flame) return <FlameTable f={b.flame} />
  if (b.chart) return <Chart chart={b.chart} table={table} onTable={onTable} />
  if (b.comparison) return <ComparisonTable c={b.comparison} />
  if (b.steps) return <Steps steps={b.steps} />
  if (b.table) return <PlainTable t={b.table} />
  if (b.files) return <Files files={b.files} />
  if (b.text) {
    const lines = b.text.split('\n')
    if (lines.length === 1) return <p class="lead">{b.text}</p>
    return (
      <ul>
        {lines.map((l) => (
          <li key={l}>{l}</li>
        ))}
      </ul>
    )
  }
  return null
}

export function EvidenceList({ list, none }: { list: Evidence[]; none: string }) {
  if (!list.length) return <p class="soft">{none}</p>
  return (
    <ul class="evidence">
      {list.map((e) => (
        <li key={e.claim}>
          {e.claim}
          {e.before && (
            <Num maths={e.maths}>
              {e.before} → {e.after}
              {e.change && <i>{e.change}</i>}
            </Num>
          )}
        </li>
      ))}
    </ul>
  )
}

function Hypotheses({ list, skipped }: { list: Hypothesis[]; skipped: Check[] }) {
  return (
    <>
      {list.map((h) => (
        <details class={`hypothesis ${h.rank === 1 ? 'first' : ''}`} open={h.rank === 1 || h.chosen} key={h.rank}>
          <summary>
            <span class="rank">{h.rank}</span>
            <span class="claim">{h.claim}</span>
            <span class="how">
              <Status tone={h.tone}>{h.confidence}</Status>
              {h.rejected ? <Status tone="bad">tried, did not help</Status> : h.chosen && <Status tone="active">tried</Status>}
            </span>
          </summary>
          <div class="sides">
            <span class="tag">Cause</span>
            <div>
              {h.change ?? 'No change explains it.'}
              <span class="soft">
                {' '}
                {h.class} in {h.service}
                {h.change_how && `, ${h.change_how}`}
              </span>
            </div>
            <span class="tag">For</span>
            <EvidenceList list={h.for} none="Nothing speaks for it." />
            <span class="tag">Against</span>
            <EvidenceList list={h.against} none="Nothing was found against it." />
            {h.rank === 1 && skipped.length > 0 && (
              <>
                <span class="tag">Skipped</span>
                <ul class="evidence">
                  {skipped.map((c) => (
                    <li key={c.name}>
                      <span class="soft">{c.name}:</span> {c.reason}
                    </li>
                  ))}
                </ul>
              </>
            )}
            {h.bound && (
              <>
                <span class="tag">Bound</span>
                <div>
                  <Num maths={h.maths}>{h.bound}</Num>
                </div>
              </>
            )}
            {h.signal && (
              <>
                <span class="tag">Signal</span>
                <div>{h.signal}</div>
              </>
            )}
            {h.disproof && (
              <>
                <span class="tag">Disproof</span>
                <div>{h.disproof}</div>
              </>
            )}
          </div>
        </details>
      ))}
    </>
  )
}

const outcomes = ['hit', 'clear', 'skipped', 'error'] as const

export function Checks({ list }: { list: Check[] }) {
  const [only, set] = useState('')
  const shown = list.filter((c) => !only || c.outcome === only)
  return (
    <>
      <div class="seg chips" role="group" aria-label="Which checks">
        <button type="button" aria-pressed={!only} onClick={() => set('')}>
          all {list.length}
        </button>
        {outcomes.map((o) => {
          const n = list.filter((c) => c.outcome === o).length
          return (
            n > 0 && (
              <button type="button" key={o} aria-pressed={only === o} onClick={() => set(only === o ? '' : o)}>
                {o} {n}
              </button>
            )
          )
        })}
      </div>
      <ul class="checks">
        {shown.map((c) => (
          <li key={c.name} class={c.outcome}>
            <Status tone={c.outcome === 'hit' ? 'warn' : c.tone}>{c.outcome}</Status>
            <div>
              <b>{c.question || c.name}</b>
              <span>{c.reason}</span>
            </div>
            <code>{c.name}</code>
          </li>
        ))}
      </ul>
    </>
  )
}

function WaterfallTable({ w }: { w: Waterfall }) {
  return (
    <>
      <p class="soft">{w.summary}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Where the added time goes">
        <table class="fall">
          <thead>
            <tr>
              <th scope="col">place</th>
              <th scope="col" class="n">before</th>
              <th scope="col" class="n">now</th>
              <th scope="col" class="n">added</th>
              <th scope="col" class="n">share</th>
              <th scope="col" class="g"><span class="sr">as a bar</span></th>
            </tr>
          </thead>
          <tbody>
            {w.bars.map((b) => (
              <tr key={b.label}>
                <th scope="row">{b.label}</th>
                <td class="n">{b.before}</td>
                <td class="n">{b.after}</td>
                <td class="n">{b.delta}</td>
                <td class="n">{b.share}</td>
                <td class="g">
                  <span class={`bar ${b.tone}`} style={{ marginLeft: `${b.from * 100}%`, width: `${Math.max(0.4, (b.to - b.from) * 100)}%` }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function FlameTable({ f }: { f: Flame }) {
  const [frames, set] = useState(false)
  const rows = frames ? f.frames : f.families
  return (
    <>
      <div class="row">
        <p class="soft">{f.summary}</p>
        {f.frames.length > 0 && f.families.length > 0 && (
          <span class="seg" role="group" aria-label="Families or functions">
            <button type="button" aria-pressed={!frames} onClick={() => set(false)}>families</button>
            <button type="button" aria-pressed={frames} onClick={() => set(true)}>functions</button>
          </span>
        )}
      </div>
      <FrameTable rows={rows} />
    </>
  )
}

export function FrameTable({ rows }: { rows: FrameRow[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Profile difference per request">
      <table class="flame">
        <thead>
          <tr>
            <th scope="col">per request</th>
            <th scope="col" class="n">baseline</th>
            <th scope="col" class="n">now</th>
            <th scope="col" class="n">change</th>
            <th scope="col" class="n">p</th>
            <th scope="col" class="g"><span class="sr">as bars: baseline above, now below</span></th>
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.name} class={r.significant ? '' : 'dim'}>
              <th scope="row" title={r.name}>{r.name}</th>
              <td class="n">{r.before}</td>
              <td class="n">{r.after}</td>
              <td class={`n ${r.tone}`}>{r.change}</td>
              <td class="n soft">{r.p.replace('p=', '').replace('p<', '<')}</td>
              <td class="g both">
                <span class="bar none" style={{ width: `${r.was * 100}%` }} />
                <span class={`bar ${r.significant ? r.tone : 'none'}`} style={{ width: `${r.is * 100}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export function ComparisonTable({ c }: { c: Comparison }) {
  return (
    <div class="comparison">
      <div class="row">
        <h3>{c.title}</h3>
        {c.live && <Status tone="active">live</Status>}
      </div>
      {c.rows && c.rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={c.title}>
          <table>
            <thead>
              <tr>
                <th scope="col">guardrail</th>
                <th scope="col" class="n">{c.control}</th>
                <th scope="col" class="n">{c.treatment}</th>
                <th scope="col" class="n">Δ</th>
                <th scope="col">limit</th>
                <th scope="col">verdict</th>
              </tr>
            </thead>
            <tbody>
              {c.rows.map((r) => (
                <tr key={r.name + r.where}>
                  <th scope="row">
                    {r.name}
                    <small>{r.where}</small>
                  </th>
                  <td class="n">{r.control}<small>{r.control_pm}</small></td>
                  <td class="n strong">{r.treatment}<small>{r.treatment_pm}</small></td>
                  <td class="n">
                    <Num maths={r.maths}>{r.change}</Num>
                    <small>{r.detail}</small>
                  </td>
                  <td>{r.limit}</td>
                  <td>
                    <Status tone={r.tone}>{r.verdict}</Status>
                    {(r.need_more || r.why) && <small>{r.need_more || r.why}</small>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {c.progress && (
        <p class="progress">
          {c.progress.share >= 0 && <Meter share={c.progress.share} tone="active" label={c.progress.text} />}
          <span>
            {c.progress.text}
            {c.progress.eta && <span class="soft">, in {c.progress.eta}</span>}
          </span>
        </p>
      )}
      <p class="verdict">
        <Icon tone={c.tone} /> {c.verdict}
      </p>
      <Facts facts={c.facts} />
    </div>
  )
}

const stepWord = { done: 'done', current: 'now', failed: 'failed', todo: 'to come', skipped: 'not taken' }

// StepBar is the change as a bar: each step as wide as its share of traffic grows.
export function StepBar({ steps }: { steps: Step[] }) {
  return (
    <ol class="stepbar" aria-label="Steps of the change">
      {steps.map((s) => (
        <li key={s.id} class={`${s.status} ${s.tone}`}>
          <span class="bar" />
          <b>{s.weight} %</b>
          <span>
            <Icon tone={s.status === 'todo' || s.status === 'skipped' ? 'none' : s.tone} /> {s.id === 'undo' ? 'taken back' : stepWord[s.status]}
            {s.took && <i> {s.took}</i>}
          </span>
        </li>
      ))}
    </ol>
  )
}

function Steps({ steps }: { steps: Step[] }) {
  return (
    <ol class="steps">
      {steps.map((s) => (
        <li key={s.id} class={s.status}>
          <Icon tone={s.status === 'todo' || s.status === 'skipped' ? 'none' : s.tone} />
          <div>
            <b>{s.title}</b>
            <span class="soft">
              {s.weights}
              {s.took && ` · took ${s.took}`}
              {s.resumed && ' · finished after a restart by looking at the world'}
            </span>
            {s.verdict && <span>{s.verdict}</span>}
            {s.error && <span class="bad">{s.error}</span>}
            {!s.verdict && s.checkpoint && s.status === 'todo' && <span class="soft">then: {s.checkpoint}</span>}
          </div>
          <span class="soft">{stepWord[s.status]}</span>
        </li>
      ))}
    </ol>
  )
}

function PlainTable({ t }: { t: Table }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t.columns.join(', ')}>
      <table>
        <thead>
          <tr>
            {t.columns.map((c, i) => (
              <th scope="col" class={t.numeric[i] ? 'n' : ''} key={c}>{c}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {t.rows.map((r, i) => (
            <tr key={i}>
              {r.map((c, j) => (
                <td class={t.numeric[j] ? 'n' : ''} key={j}>{c}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export function Files({ files }: { files: FileDiff[] }) {
  return (
    <>
      {files.map((f) => (
        <details class="file" key={f.path}>
          <summary>
            <b>{f.word}</b>
            <code>{f.path}</code>
            <span class="counts">
              <span class="ok">+{f.added}</span> <span class="bad">−{f.removed}</span>
            </span>
            <span class="soft purpose">{f.purpose}</span>
          </summary>
          <pre class="diff" tabIndex={0}>
            {f.lines.map((l, i) => (
              <span key={i} class={l.op === '+' ? 'add' : l.op === '-' ? 'del' : l.op === '@' ? 'hunk' : ''}>
                {l.op === '@' ? l.text : l.op + l.text}
                {'\n'}
              </span>
            ))}
          </pre>
        </details>
      ))}
    </>
  )
}

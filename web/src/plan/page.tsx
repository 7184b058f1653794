import { useEffect, useRef } from 'preact/hooks'
import { useData } from '../data'
import { useKeys } from '../keys'
import { setQuery, go } from '../route'
import { copy, Facts, Icon, Meter, Num, Status, Time } from '../ui'
import { Nothing } from '../pages/nothing'
import { Actions } from './actions'
import { ComparisonTable, EvidenceBlocks, Files, StepBar } from './blocks'
import type { Block, Entry, Moment, PlanView } from '../types'

// The Plan page: one story from page to enforcement.
export function PlanPage({ id, url }: { id: string; url: URL }) {
  const { value: v, trouble, since, again } = useData<PlanView>(`/api/v1/plans/${encodeURIComponent(id)}`, id)
  useEffect(() => {
    if (v) document.title = `${v.id} · ${v.state_word} · ${v.service} ${v.what}`
  }, [v?.id, v?.state_word])
  if (!v) return <Nothing trouble={trouble} since={since} what={`plan ${id}`} />
  return <Loaded v={v} url={url} again={again} />
}

function Loaded({ v, url, again }: { v: PlanView; url: URL; again: () => void }) {
  const asked = url.hash.slice(1)
  const found = v.story.find((m) => m.anchor === asked) ?? v.story.find((m) => m.anchor === v.selected)
  const moment = found ?? v.story[v.story.length - 1]
  const table = url.searchParams.has('table')
  const pane = useRef<HTMLElement>(null)
  const link = (anchor: string) => `${url.pathname}${url.search}#${anchor}`
  const select = (m: Moment | undefined) => {
    if (!m) return
    go(link(m.anchor), true)
    document.getElementById('moment-' + m.anchor)?.focus({ preventScroll: false })
  }
  const step = (by: number) => select(v.story[Math.max(0, Math.min(v.story.length - 1, v.story.findIndex((m) => m === moment) + by))])
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    e: () => pane.current?.focus(),
    m: () => (pane.current?.querySelector<HTMLElement>('button.num') ?? document.querySelector<HTMLElement>('main button.num'))?.click(),
    t: () => setQuery('table', table ? '' : '1'),
    y: () => void copy(location.origin + link(moment?.anchor ?? v.selected), 'Link'),
  })
  // What is shown above the story is not shown again beside it.
  const above = v.comparison?.live || (v.comparison?.kind === 'canary' && !v.final)
  const blocks = (moment?.blocks ?? []).filter((b) => !(above && b.comparison && b.comparison.at === v.comparison?.at))
  const beside = blocks.some((b) => b.comparison && b.comparison.at === v.comparison?.at)
  const liveCharts: Block[] = v.charts.filter((c) => c.id.startsWith('live-')).map((chart) => ({ kind: 'chart', chart }))
  const onTable = (on: boolean) => setQuery('table', on ? '1' : '')
  return (
    <main class="plan">
      <Head v={v} again={again} />
      <Rail v={v} link={link} />
      <Budget v={v} />
      {v.clocks.length > 0 && v.final && <Clocks v={v} />}
      {above && <Canary v={v} />}
      <div class="two">
        <Story v={v} moment={moment} link={link} all={url.searchParams.has('all')} />
        {moment && (
          <section class="pane" ref={pane} tabIndex={-1} aria-label={`Evidence for ${moment.title}`}>
            <header>
              <div>
                <p class="over">Evidence</p>
                <h2>{moment.title}</h2>
              </div>
              <button type="button" class="quiet" title="Copy a link to this moment (y)" onClick={() => void copy(location.origin + link(moment.anchor), 'Link')}>
                <Time t={moment.time} /> #{moment.anchor}
              </button>
            </header>
            {moment.state === 'diagnosed' && v.links.diagnosis && (
              <p class="more-of">
                <a href={`/plans/${v.id}/diagnosis`}>Open the diagnosis</a> <span class="soft">with profile, requests, changes, and what was ruled out</span>
              </p>
            )}
            {moment.text && <p class="lead">{moment.text}</p>}
            <EvidenceBlocks key={moment.anchor} blocks={blocks} table={table} onTable={onTable} />
            {!moment.blocks.length && !moment.text && <p class="soft">This moment carries no evidence besides its line.</p>}
          </section>
        )}
      </div>
      {v.comparison && !above && (!beside || liveCharts.length > 0) && (
        <section class="card">
          {!beside && <ComparisonTable c={v.comparison} />}
          <EvidenceBlocks blocks={liveCharts} table={table} onTable={onTable} />
        </section>
      )}
      <After v={v} />
    </main>
  )
}

// glued keeps a number and its unit on one line.
const glued = (s: string) => s.replace(/(\d) (?=(?:ms|s|µs|kB|MB|B|%|m|h|d)(?![a-z]))/g, '$1\u00a0')

function Head({ v, again }: { v: PlanView; again: () => void }) {
  return (
    <header class="head">
      <div class="crumb">
        <a href="/plans">Plans</a>
        <span aria-hidden="true">/</span>
        <b>{v.id}</b>
        <span class="soft">
          {v.service} · {v.what}
        </span>
        <Actions plan={v} again={again} />
      </div>
      <h1>{glued(v.sentence)}</h1>
      <div class="meta">
        <span class="pill" aria-live="polite">
          <Status tone={v.tone}>{v.state_word}</Status>
        </span>
        <span class={v.overdue ? 'bad' : ''}>
          {v.overdue && <Icon tone="bad" />} {v.due}
        </span>
        <span>{v.severity_word}</span>
        <span>owner {v.owner}</span>
        <span>
          opened <Time t={v.opened_at} relative />
        </span>
        {v.cycle > 1 && <span>try {v.cycle}</span>}
        {v.links.diagnosis && <a href={`/plans/${v.id}/diagnosis`}>the whole diagnosis</a>}
        {v.objective && <span class="soft">{v.objective}</span>}
      </div>
      {v.loud && (
        <div class={`loud ${v.loud.tone}`} role="note">
          <Icon tone={v.loud.tone} />
          <div>
            <b>{v.loud.title}</b>
            <p>{v.loud.next}</p>
          </div>
        </div>
      )}
    </header>
  )
}

function Rail({ v, link }: { v: PlanView; link: (a: string) => string }) {
  return (
    <ol class="rail" aria-label="Phases of this plan">
      {v.rail.map((p) => {
        const body = (
          <>
            <span class="dot" aria-hidden="true" />
            <span class="word">{p.word}</span>
            <span class="sr">{p.status}</span>
            <span class="at">{p.at ? <Time t={p.at} /> : p.status === 'skipped' ? 'not reached' : ' '}</span>
          </>
        )
        return (
          <li key={p.state} class={p.status} aria-current={p.status === 'current' ? 'step' : undefined} title={p.since ? `${p.since} after the page` : undefined}>
            {p.anchor && v.story.some((m) => m.anchor === p.anchor) ? <a href={link(p.anchor)}>{body}</a> : <span>{body}</span>}
          </li>
        )
      })}
    </ol>
  )
}

function Budget({ v }: { v: PlanView }) {
  const b = v.budget
  return (
    <p class="budget">
      <span class="over">Budget</span>
      <Meter share={b.left} tone={b.tone} label={`error budget, ${b.left_text}`} />
      <Status tone={b.tone}>
        <Num maths={b.maths}>{b.left_text}</Num>
      </Status>
      {b.was && <span class="soft">{b.was}</span>}
      {b.now && <span>{b.now}</span>}
      {b.stale && (
        <span class="soft">
          as of <Time t={b.at} />, not live
        </span>
      )}
    </p>
  )
}

function Clocks({ v }: { v: PlanView }) {
  return (
    <dl class="clocks" aria-label="How long it took">
      {v.clocks.map((c) => (
        <div key={c.name}>
          <dt>{c.label}</dt>
          <dd>
            {c.text}
            <small>{c.counted}</small>
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Canary({ v }: { v: PlanView }) {
  return (
    <section class="card canary">
      {v.steps.length > 0 && <StepBar steps={v.steps} />}
      {v.comparison && <ComparisonTable c={v.comparison} />}
    </section>
  )
}

function Story({ v, moment, link, all }: { v: PlanView; moment?: Moment; link: (a: string) => string; all: boolean }) {
  return (
    <section class="story" aria-label="Story">
      <header>
        <p class="over">{all ? 'Activity' : 'Story'}</p>
        <span class="seg" role="group" aria-label="Story or everything">
          <button type="button" aria-pressed={!all} onClick={() => setQuery('all', '')}>
            story
          </button>
          <button type="button" aria-pressed={all} onClick={() => setQuery('all', '1')}>
            all {v.activity.length}
          </button>
        </span>
      </header>
      {all ? (
        <Log list={v.activity} link={link} />
      ) : (
        <ol class="moments">
          {v.story.map((m) => (
            <li key={m.anchor} class={`${m.kind} ${m.tone} ${m.live ? 'live' : ''}`}>
              <a id={`moment-${m.anchor}`} href={link(m.anchor)} aria-current={m === moment ? 'true' : undefined}>
                {m.live ? <time>now</time> : <Time t={m.time} />}
                <Icon tone={m.tone} />
                <span>
                  {m.title}
                  {m.kind === 'note' && m.actor && <small>by {m.actor}</small>}
                </span>
              </a>
            </li>
          ))}
        </ol>
      )}
      {v.next && !all && <p class="next">{v.next}</p>}
    </section>
  )
}

function Log({ list, link }: { list: Entry[]; link: (a: string) => string }) {
  return (
    <ol class="log">
      {list.map((e) => (
        <li key={e.seq} title={`${e.type} · hash ${e.hash.slice(0, 12)}`}>
          <Time t={e.time} />
          <span class="soft">{e.seq}</span>
          {e.anchor ? <a href={link(e.anchor)}>{e.title}</a> : <span>{e.title}</span>}
          {e.actor !== 'pitwall' && <small>{e.actor}</small>}
        </li>
      ))}
    </ol>
  )
}

function After({ v }: { v: PlanView }) {
  if (!v.enforced && !v.learned.length && !v.holding.length) return null
  return (
    <div class="after">
      {v.enforced && (
        <section class="card">
          <div class="row">
            <h3>What was left behind</h3>
            <span class="soft">{v.enforced.summary}</span>
          </div>
          <Files files={v.enforced.files} />
          {v.enforced.command && (
            <button type="button" class="query" title="Copy the command" onClick={() => void copy(v.enforced!.command, 'Command')}>
              <span>look</span>
              <code>{v.enforced.command}</code>
            </button>
          )}
        </section>
      )}
      <div class="pair">
        {v.holding.length > 0 && (
          <section class="card">
            <h3>Still holding?</h3>
            <Facts facts={v.holding.map((h) => ({ label: h.label, value: h.text, tone: h.tone }))} />
          </section>
        )}
        {v.learned.length > 0 && (
          <section class="card">
            <h3>What was learned</h3>
            <ul>
              {v.learned.map((l) => (
                <li key={l}>{l}</li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </div>
  )
}

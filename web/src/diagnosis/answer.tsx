import { Chart } from '../chart'
import { useUTC } from '../prefs'
import { Checks } from '../plan/blocks'
import { go, setQuery } from '../route'
import { Section } from '../settings/section'
import { clock } from '../time'
import { Facts, Icon } from '../ui'
import type { Asked, ChartView, DiagnosisView } from '../types'
import { Changes, Ruled } from './changes'
import { Contrasts } from './contrast'
import { FlameGraph } from './flame'
import { Hypotheses } from './hypotheses'
import { Requests } from './requests'
import { Fall } from './waterfall'
import { again, instant, markedOf, partsOf, query } from './words'

// Answer is everything below the sentence: the question, what was looked at, and
// what was found. Parts with nothing to show stand at the end, with the reason.
export function Answer({ v, url }: { v: DiagnosisView; url: URL }) {
  const table = url.searchParams.has('table')
  const onTable = (on: boolean) => setQuery('table', on ? '1' : '')
  return (
    <>
      <nav class="parts" aria-label="On this page">
        {partsOf(v).map(([id, word]) => (
          <a key={id} href={`${url.search}#${id}`}>
            {word}
          </a>
        ))}
      </nav>
      <Section id="question" title="The question">
        <p class="lead">{v.question.text}</p>
        <div class={v.charts.length ? 'asked' : ''}>
          <Facts facts={v.question.facts} />
          {v.charts.length > 0 && <Charts charts={v.charts} asked={v.question} url={url} table={table} onTable={onTable} />}
        </div>
      </Section>
      <Section id="checks" title="What was looked at" note={v.check_text}>
        {v.checks.length > 0 && <Checks list={v.checks} />}
      </Section>
      {v.hypotheses.length > 0 && (
        <Section id="hypotheses" title="Hypotheses" note={v.hypothesis_text}>
          <Hypotheses list={v.hypotheses} />
        </Section>
      )}
      {v.waterfall && (
        <Section id="waterfall" title={v.waterfall.title}>
          <Fall w={v.waterfall} table={table} onTable={onTable} />
        </Section>
      )}
      {v.contrasts.length > 0 && (
        <Section id="contrasts" title="What slow requests share" note="the most telling first">
          <Contrasts list={v.contrasts} />
        </Section>
      )}
      {v.flame && (
        <Section id="flame" title={v.flame.title}>
          <FlameGraph f={v.flame} url={url} />
        </Section>
      )}
      {v.traces && (
        <Section id="traces" title="A slow request beside a typical one">
          <Requests t={v.traces} asked={url.searchParams.get('trace') ?? ''} />
        </Section>
      )}
      {v.changes.length > 0 && (
        <Section id="changes" title="What changed" note="by distance from when it began">
          <Changes list={v.changes} />
        </Section>
      )}
      <Section id="not" title="Not the cause, because …">
        <Ruled list={v.not_the_cause} />
      </Section>
      {v.gaps.length > 0 && (
        <Section id="gaps" title="Not shown, and why">
          <dl class="gaps">
            {v.gaps.map((g) => (
              <div key={g.part}>
                <dt>
                  <Icon tone="no-data" /> {g.title}
                </dt>
                <dd>{g.why}</dd>
              </div>
            ))}
          </dl>
        </Section>
      )}
    </>
  )
}

interface ChartsProps { charts: ChartView[]; asked: Asked; url: URL; table: boolean; onTable: (on: boolean) => void }

// Charts can be marked: a stretch becomes the next question, or its baseline.
function Charts({ charts, asked, url, table, onTable }: ChartsProps) {
  const utc = useUTC()
  const marked = markedOf(url.searchParams.get('mark'))
  const mark = (from: number, to: number) => setQuery('mark', `${instant(from)}..${instant(to + 999)}`)
  const ask = (as: 'window' | 'baseline') => marked && go('/diagnose?' + query(again(asked, marked, as)))
  return (
    <div>
      <div class="charts">
        {charts.map((c) => (
          <Chart key={c.id} chart={c} table={table} onTable={onTable} onMark={mark} />
        ))}
      </div>
      {marked ? (
        <p class="marked" role="status">
          <span>
            Marked: <time>{clock(marked.from, utc)}</time> to <time>{clock(marked.to, utc)}</time>
          </span>
          <button type="button" class="plain" onClick={() => ask('window')}>
            Ask about it
          </button>
          <button type="button" class="plain" onClick={() => ask('baseline')}>
            Take it as the baseline
          </button>
          <button type="button" class="quiet" onClick={() => setQuery('mark', '')}>
            Forget it
          </button>
        </p>
      ) : (
        <p class="soft hint">Draw over a chart to ask about another stretch of time, or <a href={'/diagnose?' + query(again(asked, asked.window, 'window'))}>type it</a>.</p>
      )}
    </div>
  )
}

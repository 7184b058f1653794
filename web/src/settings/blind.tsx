import { Icon, Status, Time } from '../ui'
import { fresh, useNow } from '../data'
import { setQuery } from '../route'
import { Doc, Line, Remedy, Section } from './section'
import { firstSteps, many, nothing, stops } from './words'
import type { Setting, Telemetry } from './shape'

const shown = 8

// Blind is the answer first: what cannot be seen, what follows, what to do.
export function Blind({ t, all }: { t: Telemetry; all: boolean }) {
  const list = all ? t.blind : t.blind.slice(0, shown)
  return (
    <Section id="blind" title="Blind spots" note="what cannot be seen or changed, the worst first">
      <ul class="blind">
        {list.map((b, i) => {
          const s = stops(b)
          return (
            <li key={i}>
              <Status tone={s.tone}>{s.word}</Status>
              <div>
                <b>{b.what}</b>
                <p class="soft">{b.means}</p>
                <p>
                  <Remedy text={b.remedy} />
                  {b.link && (
                    <>
                      {' '}
                      <Doc path={b.link}>Read more</Doc>
                    </>
                  )}
                </p>
              </div>
            </li>
          )
        })}
      </ul>
      {t.blind.length > shown && (
        <button type="button" class="quiet more" aria-expanded={all} onClick={() => setQuery('blind', all ? '' : 'all')}>
          {all ? `Only the worst ${shown}` : `Show ${many(t.blind.length - shown, 'more blind spot')}`}
        </button>
      )}
    </Section>
  )
}

// Lead is the one sentence on top; when nothing is missing, a calm one.
export function Lead({ t, calm }: { t: Telemetry; calm: boolean }) {
  const now = useNow()
  if (calm) {
    return (
      <p class="now calm ok">
        <Icon tone="ok" /> {nothing(t, now + fresh.skew)}
      </p>
    )
  }
  return (
    <p class={`now ${t.view.tone}`}>
      <Icon tone={t.view.tone} /> {t.view.sentence}{' '}
      <span class="soft">
        Counted over {t.view.period}, last look <Time t={t.at} relative />.
      </span>
    </p>
  )
}

// First is what a Pitwall says that nobody has ever sent anything to.
export function First({ slos, keys }: { slos: number; keys: Setting[] }) {
  return (
    <Section id="first" title="First steps" note="nothing ever came in">
      <ol class="first">
        {firstSteps(slos, keys).map((s, i) => (
          <li key={s.name}>
            <Status tone={s.done ? 'ok' : 'wait'}>
              {i + 1}. {s.name}: {s.done ? 'done' : 'to do'}
            </Status>
            <div>
              <p>
                {s.what} <Doc path={s.doc}>How</Doc>
              </p>
              <Line text={s.line} />
            </div>
          </li>
        ))}
      </ol>
    </Section>
  )
}

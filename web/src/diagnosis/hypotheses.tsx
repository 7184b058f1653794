import { EvidenceList } from '../plan/blocks'
import { Meter, Num, Status } from '../ui'
import type { Hypothesis } from '../types'

// Hypotheses are claims in one sentence each, with both sides of the evidence
// and what would prove them wrong.
export function Hypotheses({ list }: { list: Hypothesis[] }) {
  return (
    <ol class="claims">
      {list.map((h) => (
        <li key={h.rank}>
          <details class={`hypothesis ${h.rank === 1 ? 'first' : ''}`} open={h.rank === 1 || h.chosen}>
            <summary>
              <span class="rank">{h.rank}</span>
              <span class="claim">{h.claim}</span>
              <span class="how">
                <Meter share={h.score} tone={h.tone} label={`score ${h.score.toFixed(2)} of 1`} />
                <Status tone={h.tone}>{h.confidence}</Status>
                {h.rejected ? <Status tone="bad">tried, did not help</Status> : h.chosen && <Status tone="active">tried</Status>}
              </span>
            </summary>
            <Body h={h} />
          </details>
        </li>
      ))}
    </ol>
  )
}

function Body({ h }: { h: Hypothesis }) {
  return (
    <div class="case">
      <p>
        <b>
          {h.class} in {h.service}
        </b>
        . {h.change ? `${h.change[0]!.toUpperCase()}${h.change.slice(1)}` : 'No change explains it.'}
        {h.change_how && <span class="soft"> ({h.change_how})</span>}
      </p>
      <div class="weighed">
        <section aria-label="For">
          <h3>For</h3>
          <EvidenceList list={h.for} none="Nothing speaks for it." />
        </section>
        <section aria-label="Against">
          <h3>Against</h3>
          <EvidenceList list={h.against} none="Nothing was found against it." />
        </section>
      </div>
      <dl class="rest">
        <dt>What fixing it gives</dt>
        <dd>{h.bound ? <Num maths={h.maths}>{h.bound}</Num> : 'Not known: what it accounts for was not measured.'}</dd>
        <dt>What would disprove it</dt>
        <dd>{h.disproof || 'None is recorded.'}</dd>
        {h.signal && (
          <>
            <dt>Its own number</dt>
            <dd>{h.signal}</dd>
          </>
        )}
      </dl>
    </div>
  )
}

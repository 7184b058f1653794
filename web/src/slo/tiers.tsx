import { Scroll, Section } from '../settings/section'
import { Facts, Num, Status } from '../ui'
import type { Fact, SLOView, TierRow } from '../types'
import { precise } from './words'

// Tiers are the conditions with their numbers, as evaluated now.
export function Tiers({ tiers }: { tiers: TierRow[] }) {
  if (!tiers.length) return <p class="soft">It has no tiers, so it never alerts. Name a preset in its file.</p>
  return (
    <Scroll label="When it alerts">
      <table class="tiers">
        <thead>
          <tr>
            <th scope="col">tier</th>
            <th scope="col">state</th>
            <th scope="col">fires when it</th>
            <th scope="col" class="n">limit</th>
            <th scope="col" class="n">long window</th>
            <th scope="col" class="n">short window</th>
            <th scope="col">asks for</th>
          </tr>
        </thead>
        <tbody>
          {tiers.map((t) => (
            <tr key={t.name}>
              <th scope="row" class="strong nowrap">
                {t.name}
              </th>
              <td class="nowrap">
                <Status tone={t.tone}>{t.state}</Status>
                {t.since && <small>{t.since}</small>}
              </td>
              <td class="said">
                {t.when}
                {t.held && <small class="warn">held back: {t.held}</small>}
                {t.expr && <small>{t.expr}</small>}
              </td>
              <td class="n">{t.factor}</td>
              <td class="n">
                <Num maths={t.maths}>{t.long}</Num>
              </td>
              <td class="n">
                <Num maths={t.maths}>{t.short}</Num>
              </td>
              <td>
                {t.action}
                {t.then && <small>{t.then}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

// Counted is what the numbers were made from, and when they are too few.
export function Counted({ v }: { v: SLOView }) {
  const b = v.budget
  const n = (x: number) => x.toLocaleString('en')
  const facts: Fact[] = [
    { label: 'good', value: v.good, maths: v.maths },
    { label: 'bad', value: v.bad, maths: v.maths },
    { label: 'all', value: n(b.counts.good + b.counts.bad) },
    ...(b.slices ? [{ label: 'slices', value: `${n(b.slices.good)} good, ${n(b.slices.bad)} bad` }] : []),
    { label: 'counted from', value: v.counted },
    { label: 'steps with data', value: b.known ? `${precise(b.coverage)} of the window` : 'none' },
  ]
  return (
    <Section id="counts" title="What was counted" note={v.window}>
      <div class="pair">
        <Facts facts={facts} />
        <div>
          <h3>When there is too little to page</h3>
          {v.rules.length > 0 ? <Facts facts={v.rules} /> : <p class="soft">No tier that pages compares a burn rate, so no rule for few events is needed.</p>}
        </div>
      </div>
    </Section>
  )
}

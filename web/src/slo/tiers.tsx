import { Section, Table, number } from '../settings/section'
import { count } from '../settings/words'
import { Facts, Num, Status } from '../ui'
import type { Fact, SLOView, TierRow } from '../types'
import { precise } from './words'

// Tiers are the conditions with their numbers, as evaluated now.
export function Tiers({ tiers }: { tiers: TierRow[] }) {
  if (!tiers.length) return <p class="soft">It has no tiers, so it never alerts. Name a preset in its file.</p>
  return (
    <Table label="When it alerts" class="tiers" columns={['tier', 'state', 'fires when it', number('limit'), number('long window'), number('short window'), 'asks for']}>
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
    </Table>
  )
}

// Counted is what the numbers were made from, and when they are too few.
export function Counted({ v }: { v: SLOView }) {
  const b = v.budget
  const facts: Fact[] = [
    { label: 'good', value: v.good, maths: v.maths },
    { label: 'bad', value: v.bad, maths: v.maths },
    { label: 'all', value: count(b.counts.good + b.counts.bad) },
    ...(b.slices ? [{ label: 'slices', value: `${count(b.slices.good)} good, ${count(b.slices.bad)} bad` }] : []),
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

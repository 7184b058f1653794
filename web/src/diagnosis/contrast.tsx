import { Num } from '../ui'
import type { Contrast } from '../types'

// Contrasts shows per attribute how slow and typical requests spread over its
// values. Each is a table whose bars only repeat its numbers.
export function Contrasts({ list }: { list: Contrast[] }) {
  if (!list.length) return null
  return (
    <>
      <p class="legend soft" aria-hidden="true">
        <span>
          <i class="warn" /> of slow requests
        </span>
        <span>
          <i class="none" /> of typical requests
        </span>
      </p>
      <div class="contrasts">
        {list.map((c) => (
          <One key={c.key + c.of} c={c} />
        ))}
      </div>
    </>
  )
}

function One({ c }: { c: Contrast }) {
  return (
    <section aria-label={c.key}>
      <h3>
        <code>{c.key}</code> <span class="soft">on spans of {c.of}</span>
      </h3>
      <p>{c.sentence}</p>
      <p class="soft">
        effect <Num maths={c.maths}>{c.effect}</Num> · carries {c.explains}
      </p>
      <div class="scroll" tabIndex={0} role="region" aria-label={`Values of ${c.key}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">value</th>
              <th scope="col" class="n">slow</th>
              <th scope="col" class="n">typical</th>
              <th scope="col" class="g"><span class="sr">as bars: slow above, typical below</span></th>
              <th scope="col" class="n">mean</th>
            </tr>
          </thead>
          <tbody>
            {c.rows.map((r) => (
              <tr key={r.value}>
                <th scope="row" class={r.more ? 'strong' : ''}>
                  {r.value}
                </th>
                <td class="n">{r.slow}</td>
                <td class="n">{r.typical}</td>
                <td class="g both">
                  <span class={`bar ${r.more ? 'warn' : ''}`} style={{ width: `${r.slow_share * 100}%` }} />
                  <span class="bar none" style={{ width: `${r.typical_share * 100}%` }} />
                </td>
                <td class="n">{r.mean}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

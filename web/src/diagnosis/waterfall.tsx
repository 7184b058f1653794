import { Table, number } from '../settings/section'
import type { Waterfall } from '../types'

// Fall shows where the added time went: each bar begins where the one before
// ended, and the last shows the sum.
export function Fall({ w, table, onTable }: { w: Waterfall; table: boolean; onTable: (on: boolean) => void }) {
  return (
    <>
      <div class="row">
        <p class="soft">{w.summary}</p>
        <span class="seg" role="group" aria-label="Chart or table">
          <button type="button" aria-pressed={!table} onClick={() => onTable(false)}>
            chart
          </button>
          <button type="button" aria-pressed={table} onClick={() => onTable(true)}>
            table
          </button>
        </span>
      </div>
      {table ? (
        <Places w={w} />
      ) : (
        <ol class="steps-of-time" aria-label={w.title}>
          {w.bars.map((b) => (
            <li key={b.label}>
              <span class="place">{b.label}</span>
              <span class="lane">
                <i class={b.tone} style={{ left: `${b.from * 100}%`, width: `${Math.max(0.3, (b.to - b.from) * 100)}%` }} />
              </span>
              <span class="n">
                {b.delta} <small>{b.share}</small>
              </span>
            </li>
          ))}
          <li class="sum">
            <span class="place">together</span>
            <span class="lane">
              <i class="active" style={{ left: `${Math.min(w.zero, w.end) * 100}%`, width: `${Math.max(0.3, Math.abs(w.end - w.zero) * 100)}%` }} />
            </span>
            <span class="n">
              {w.total} <small />
            </span>
          </li>
        </ol>
      )}
    </>
  )
}

function Places({ w }: { w: Waterfall }) {
  return (
    <Table label={w.title} columns={['place', number('before'), number('now'), number('added'), number('share')]}>
      {w.bars.map((b) => (
        <tr key={b.label}>
          <th scope="row">{b.label}</th>
          <td class="n">{b.before}</td>
          <td class="n">{b.after}</td>
          <td class="n">{b.delta}</td>
          <td class="n">{b.share}</td>
        </tr>
      ))}
      <tr>
        <th scope="row" class="strong">
          together
        </th>
        <td />
        <td />
        <td class="n strong">{w.total}</td>
        <td />
      </tr>
    </Table>
  )
}

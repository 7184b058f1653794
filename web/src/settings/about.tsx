import type { Data } from '../data'
import { setQuery } from '../route'
import { Doc, Section, Table } from './section'
import { fits } from './words'
import type { Config } from './shape'

export function Configuration({ config, query, set }: { config: Data<Config>; query: string; set: boolean }) {
  const keys = config.value?.keys ?? []
  const rows = keys.filter((k) => fits(k, query, set))
  const own = keys.filter((k) => k.origin !== 'default').length
  return (
    <Section id="configuration" title="Configuration in effect" note="secrets are only named by their files">
      {config.trouble && !config.value && (
        <p role="alert">
          Cannot read the configuration: {config.trouble.message}. {config.trouble.hint}
        </p>
      )}
      {!config.trouble && !config.value && <p class="soft">Reading the configuration…</p>}
      {config.value && !keys.length && <p class="soft">This server does not tell its configuration.</p>}
      {keys.length > 0 && (
        <>
          <div class="filter" role="search">
            <label>
              <span class="sr">Filter the configuration</span>
              <input type="search" placeholder="key, value or origin" value={query} onInput={(e) => setQuery('q', e.currentTarget.value)} />
            </label>
            <span class="seg" role="group" aria-label="Which keys">
              <button type="button" aria-pressed={!set} onClick={() => setQuery('set', '')}>
                all {keys.length}
              </button>
              <button type="button" aria-pressed={set} onClick={() => setQuery('set', '1')}>
                set here {own}
              </button>
            </span>
            <span class="soft" role="status">
              {rows.length} of {keys.length} keys
            </span>
          </div>
          {!rows.length && <p class="soft">No key has these words.</p>}
          {rows.length > 0 && (
            <Table label="Configuration in effect" tall class="config" columns={['key', 'value', 'from']}>
              {rows.map((k) => (
                <tr key={k.key}>
                  <th scope="row">
                    <code>{k.key}</code>
                  </th>
                  <td>{k.value ? <code>{k.value}</code> : <span class="soft">empty</span>}</td>
                  <td class={k.origin === 'default' ? 'soft' : 'strong'}>{k.origin}</td>
                </tr>
              ))}
            </Table>
          )}
        </>
      )}
    </Section>
  )
}

const documents: [string, string][] = [
  ['docs/tutorial/first-closed-plan.md', 'From zero to the first closed plan'],
  ['docs/howto/opentelemetry.md', 'Send telemetry'],
  ['docs/howto/prometheus-and-grafana.md', 'Prometheus and Grafana'],
  ['docs/howto/announce-deploys.md', 'Announce deploys'],
  ['docs/reference/config.md', 'Every key of the configuration'],
  ['docs/reference/cli.md', 'Every command'],
]

export function About({ config }: { config: Config | null }) {
  const dir = config?.keys?.find((k) => k.key === 'data_dir')?.value
  return (
    <Section id="about" title="About">
      <dl class="facts">
        <div>
          <dt>version</dt>
          <dd>{config?.version || <span class="soft">not told; pitwall --version tells it</span>}</dd>
        </div>
        <div>
          <dt>licence</dt>
          <dd>
            <Doc path="LICENSE">Apache-2.0</Doc>
          </dd>
        </div>
        <div>
          <dt>data directory</dt>
          <dd>{dir ? <code>{dir}</code> : <span class="soft">not told</span>}</dd>
        </div>
        <div>
          <dt>for programs</dt>
          <dd>
            <a href="/openapi.json">openapi.json</a>, <a href="/metrics">metrics</a>
          </dd>
        </div>
        <div>
          <dt>documents</dt>
          <dd>
            <ul class="docs">
              {documents.map(([path, title]) => (
                <li key={path}>
                  <Doc path={path}>{title}</Doc>
                </li>
              ))}
            </ul>
          </dd>
        </div>
      </dl>
    </Section>
  )
}

import { render } from 'preact'
import { useEffect, useReducer, useRef, useState } from 'preact/hooks'
import './styles.css'
import { fresh, useNow } from './data'
import { useKeys } from './keys'
import { live } from './live'
import { AskPage } from './diagnosis/ask'
import { DiagnosisPage } from './diagnosis/page'
import { PlanPage } from './plan/page'
import { PlansPage } from './pages/plans'
import { FindingPage } from './findings/page'
import { FindingsPage } from './findings/list'
import { SettingsPage } from './settings/page'
import { SLOsPage } from './slo/list'
import { SLOPage } from './slo/page'
import { remember, useDark, useUTC } from './prefs'
import { follow, go, useRoute } from './route'
import { span, zoneWord } from './time'
import { MathsPopover, Toast } from './ui'

function App() {
  const url = useRoute()
  const [help, setHelp] = useState(false)
  useKeys({ 'g p': () => go('/plans'), 'g s': () => go('/slos'), 'g f': () => go('/findings'), 'g d': () => go('/diagnose'), 'g t': () => go('/settings'), '?': () => setHelp(true) })
  return (
    <div class="app" onClick={follow}>
      <a class="skip" href="#main">
        To the content
      </a>
      <Top url={url} help={() => setHelp(true)} />
      <div id="main">
        <Page url={url} />
      </div>
      <MathsPopover />
      <Toast />
      {help && <Help close={() => setHelp(false)} />}
    </div>
  )
}

function Page({ url }: { url: URL }) {
  const [, room, name, part] = url.pathname.split('/')
  if (room === 'plans' && name && part === 'diagnosis') return <DiagnosisPage key={name} id={decodeURIComponent(name)} url={url} />
  if (room === 'diagnose') return <AskPage url={url} />
  if (room === 'plans' && name) return <PlanPage key={name} id={decodeURIComponent(name)} url={url} />
  if (room === 'slos' && name) return <SLOPage key={name} name={decodeURIComponent(name)} url={url} />
  if (room === 'slos') return <SLOsPage url={url} />
  if (room === 'findings' && name) return <FindingPage key={name} id={decodeURIComponent(name)} url={url} />
  if (room === 'findings') return <FindingsPage />
  if (room === 'settings') return <SettingsPage url={url} />
  return <PlansPage url={url} />
}

function Top({ url, help }: { url: URL; help: () => void }) {
  const dark = useDark()
  const utc = useUTC()
  const at = (p: string) => (url.pathname.startsWith(p) || (p === '/plans' && url.pathname === '/') ? 'page' : undefined)
  return (
    <header class="top">
      <a class="mark" href="/plans" aria-label="Pitwall, all plans">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M9 24V8h7.5a5 5 0 0 1 0 10H13" />
          <circle cx="23.500" cy="23" r="2.600" />
        </svg>
        Pitwall
      </a>
      <nav aria-label="Pages">
        <a href="/plans" aria-current={at('/plans')}>
          Plans
        </a>
        <a href="/slos" aria-current={at('/slos')}>
          SLOs
        </a>
        <a href="/findings" aria-current={at('/findings')}>
          Findings
        </a>
        <a href="/diagnose" aria-current={at('/diagnose')}>
          Diagnose
        </a>
        <a href="/settings" aria-current={at('/settings')}>
          Settings
        </a>
      </nav>
      {!url.pathname.startsWith('/diagnose') && <Freshness />}
      <button type="button" class="quiet" title="Local time or UTC" onClick={() => remember('utc', utc ? 'local' : '')}>
        {zoneWord(utc)}
      </button>
      <button type="button" class="quiet" aria-label={dark ? 'Light theme' : 'Dark theme'} title={dark ? 'Light theme' : 'Dark theme'} onClick={() => remember('theme', dark ? 'light' : 'dark')}>
        <svg class="glyph" viewBox="0 0 16 16" aria-hidden="true">
          {dark ? <path d="M8 4.800a3.200 3.200 0 1 0 0 6.400 3.200 3.200 0 0 0 0-6.400M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1.100 1.100M11.900 11.900L13 13M3 13l1.100-1.100M11.900 4.100L13 3" /> : <path d="M13.500 9.500A5.700 5.700 0 0 1 6.500 2.500a5.700 5.700 0 1 0 7 7z" />}
        </svg>
      </button>
      <button type="button" class="quiet" aria-label="Keyboard help" title="Keyboard help (?)" onClick={help}>
        ?
      </button>
    </header>
  )
}


// Freshness says how old what you see is: "live · 3 s", "reconnecting", "stale".
// An answer to a question asked by hand states its own time instead.
function Freshness() {
  const now = useNow()
  const [, again] = useReducer((n: number) => n + 1, 0)
  useEffect(() => live.watch(() => again(0)), [])
  const age = fresh.at ? now - fresh.at : 0
  let tone = 'ok'
  let word = `live · ${span(age)}`
  if (live.state === 'polling') word = `every 5 s · ${span(age)}`
  if (live.state === 'connecting' && !fresh.at) word = 'connecting'
  if (live.state === 'reconnecting') {
    tone = 'warn'
    word = `reconnecting · ${span(age)}`
  }
  if (age > 30_000) {
    tone = 'bad'
    word = `stale · ${span(age)}`
  }
  return (
    <span class={`fresh ${tone}`} title="How old what you see is">
      <i aria-hidden="true" />
      {word}
    </span>
  )
}

const keys: [string, string][] = [
  ['j k', 'next and previous moment or row'],
  ['Enter', 'open'],
  ['e', 'to the evidence'],
  ['m', 'show the maths'],
  ['t', 'table or chart'],
  ['y', 'copy a link to what you see'],
  ['/', 'filter'],
  ['g p', 'plans'],
  ['g s', 'SLOs'],
  ['g f', 'findings: changes that burn no objective'],
  ['g d', 'ask why something got worse'],
  ['g t', 'settings: sources and telemetry'],
  ['?', 'this help'],
  ['Esc', 'close'],
]

function Help({ close }: { close: () => void }) {
  const box = useRef<HTMLDialogElement>(null)
  useEffect(() => box.current?.showModal(), [])
  return (
    <dialog ref={box} class="confirm" onClose={close} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {keys.map(([k, what]) => (
          <div key={k}>
            <dt>
              {k.split(' ').map((x) => (
                <kbd key={x}>{x}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="soft">No key changes the world. Actions ask first.</p>
      <footer>
        <button type="button" onClick={() => box.current?.close()}>
          Close
        </button>
      </footer>
    </dialog>
  )
}

live.start()
render(<App />, document.getElementById('app')!)

import { useEffect, useState } from 'preact/hooks'
import './diagnosis.css'
import { get, type Trouble } from '../api'
import { useUTC } from '../prefs'
import { go, useTarget } from '../route'
import { useAsked } from '../slo/asked'
import { zoneWord } from '../time'
import { Status } from '../ui'
import type { DiagnosisView, OperationRow, Working } from '../types'
import { Answer } from './answer'
import { Head } from './page'
import { baselineBefore, choices, complete, fromInput, query, questionOf, recent, toInput, type Question } from './words'

// AskPage asks by hand: did this get worse in this stretch of time, and why? The
// address is the question, so that it can be sent to somebody.
export function AskPage({ url }: { url: URL }) {
  const q = questionOf(url.searchParams)
  const asked = query(q)
  const [stopped, stop] = useState('')
  const path = complete(q) && stopped !== asked ? `/api/v1/diagnose?${asked}` : null
  const a = useAsked<DiagnosisView>(path)
  const v = path && !a.busy ? a.value : null
  useEffect(() => void (document.title = `${q.service ? `Why ${q.service}?` : 'Diagnose'} · Pitwall`), [q.service])
  useTarget(url, !!v)
  return (
    <main class="plan diagnosis">
      {v ? (
        <Head v={v}>
          <a href="/diagnose">Diagnose</a>
          <span aria-hidden="true">/</span>
          <b>{v.question.service}</b>
        </Head>
      ) : (
        <header class="head">
          <h1>Did it get worse, and why?</h1>
          <p class="detail">Any service, any stretch of time: held against a time that was normal. Nothing is changed, and nothing is recorded.</p>
        </header>
      )}
      <Form
        key={asked}
        q={q}
        folded={!!v}
        busy={a.busy}
        send={(next) => {
          stop('')
          if (query(next) === asked) a.again()
          else go('/diagnose?' + query(next))
        }}
      />
      {a.busy && path && <Waiting asked={asked} stop={() => stop(asked)} />}
      {stopped === asked && complete(q) && (
        <p class="soft" role="status">
          Stopped. Nothing was found out.{' '}
          <button type="button" class="plain" onClick={() => stop('')}>
            Ask again
          </button>
        </p>
      )}
      {!a.busy && path && a.trouble && <Failed trouble={a.trouble} again={a.again} />}
      {v && <Answer v={v} url={url} />}
    </main>
  )
}

function Failed({ trouble, again }: { trouble: Trouble; again: () => void }) {
  return (
    <div class="failed" role="alert">
      <p>
        <b>There is no answer.</b> {trouble.message}. {trouble.hint && `Next: ${trouble.hint}.`}
      </p>
      <button type="button" class="plain" onClick={again}>
        Ask again
      </button>
    </div>
  )
}

// Waiting says what is being done. There is no total, so there is no bar.
function Waiting({ asked, stop }: { asked: string; stop: () => void }) {
  const [w, set] = useState<Working | null>(null)
  useEffect(() => {
    const gone = new AbortController()
    const look = () => get<Working>(`/api/v1/diagnose/progress?${asked}`, gone.signal).then(set, () => undefined)
    const t = window.setInterval(() => void look(), 500)
    void look()
    return () => {
      gone.abort()
      clearInterval(t)
    }
  }, [asked])
  return (
    <p class="working" role="status">
      <Status tone={w?.state === 'waiting' ? 'wait' : 'active'}>{w?.text || 'asking'}</Status>
      <button type="button" class="plain" onClick={stop}>
        Stop
      </button>
    </p>
  )
}

// useKnown reads which services and operations were seen. Without an answer the
// fields still take any name.
function useKnown(): OperationRow[] {
  const [rows, set] = useState<OperationRow[]>([])
  useEffect(() => {
    const gone = new AbortController()
    get<{ operations: OperationRow[] }>('/api/v1/operations?since=24h&limit=2000', gone.signal).then((a) => set(a.operations), () => undefined)
    return () => gone.abort()
  }, [])
  return rows
}

const day = 24 * 3600_000

interface FormProps { q: Question; folded: boolean; busy: boolean; send: (q: Question) => void }

function Form({ q: before, folded, busy, send }: FormProps) {
  const utc = useUTC()
  const [q, set] = useState<Question>(complete(before) ? before : { ...before, signal: before.signal || 'any', ...(before.from && before.to ? {} : recent(Date.now(), 15)) })
  const known = choices(useKnown(), q.service)
  const put = (part: Partial<Question>) => set({ ...q, ...part })
  const time = (key: 'from' | 'to' | 'baseline_from' | 'baseline_to', label: string, needed: boolean) => (
    <label>
      {label}
      <input type="datetime-local" step={1} value={toInput(q[key], utc)} required={needed} onInput={(e) => put({ [key]: fromInput(e.currentTarget.value, utc) })} />
    </label>
  )
  const form = (
    <form
      class="ask"
      onSubmit={(e) => {
        e.preventDefault()
        send(q)
      }}
    >
      <fieldset>
        <legend>What</legend>
        <label>
          Service
          <input value={q.service} list="services" maxLength={200} required autoComplete="off" onInput={(e) => put({ service: e.currentTarget.value.trim(), operation: '' })} />
        </label>
        <label class="wide">
          Operation
          <input value={q.operation} list="operations" placeholder="all of them" maxLength={500} autoComplete="off" onInput={(e) => put({ operation: e.currentTarget.value })} />
        </label>
        <label>
          Signal
          <select value={q.signal || 'any'} onChange={(e) => put({ signal: e.currentTarget.value })}>
            <option value="any">latency or errors</option>
            <option value="latency">latency</option>
            <option value="errors">errors</option>
          </select>
        </label>
        <datalist id="services">
          {known.services.map((s) => (
            <option key={s} value={s} />
          ))}
        </datalist>
        <datalist id="operations">
          {known.operations.map((s) => (
            <option key={s} value={s} />
          ))}
        </datalist>
      </fieldset>
      <fieldset>
        <legend>To be explained ({zoneWord(utc)})</legend>
        {time('from', 'From', true)}
        {time('to', 'To', true)}
        <span class="quick">
          {[15, 60, 360].map((n) => (
            <button type="button" class="quiet" key={n} onClick={() => put(recent(Date.now(), n))}>
              last {n < 60 ? `${n} m` : `${n / 60} h`}
            </button>
          ))}
        </span>
      </fieldset>
      <fieldset>
        <legend>Taken as normal</legend>
        {time('baseline_from', 'From', false)}
        {time('baseline_to', 'To', false)}
        <span class="quick">
          <button type="button" class="quiet" onClick={() => put(baselineBefore(q, 0))}>
            right before
          </button>
          <button type="button" class="quiet" onClick={() => put(baselineBefore(q, day))}>
            a day before
          </button>
        </span>
      </fieldset>
      <div class="send">
        <button type="submit" class="primary" disabled={busy || !complete(q)}>
          {busy ? 'Asking…' : 'Ask'}
        </button>
        <span class="soft">An empty baseline is as long as the window, right before it.</span>
      </div>
    </form>
  )
  if (!folded) return form
  return (
    <details class="asking">
      <summary>Ask something else</summary>
      {form}
    </details>
  )
}

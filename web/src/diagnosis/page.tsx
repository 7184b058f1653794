import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import './diagnosis.css'
import { useData } from '../data'
import { useKeys } from '../keys'
import { Nothing, Old } from '../pages/nothing'
import { setQuery, useTarget } from '../route'
import { copy, Status, Time } from '../ui'
import type { DiagnosisView } from '../types'
import { Answer } from './answer'

// DiagnosisPage is the diagnosis of a plan.
export function DiagnosisPage({ id, url }: { id: string; url: URL }) {
  const { value: v, trouble, since } = useData<DiagnosisView>(`/api/v1/plans/${encodeURIComponent(id)}/diagnosis`, id)
  useEffect(() => void (document.title = `Diagnosis · ${id} · Pitwall`), [id])
  useTarget(url, !!v)
  if (!v && trouble?.kind === 'not-found') return <NotYet id={id} why={trouble.message} />
  if (!v) return <Nothing trouble={trouble} since={since} what={`the diagnosis of ${id}`} />
  return (
    <main class="plan diagnosis">
      {trouble && <Old trouble={trouble} since={since} />}
      <Head v={v}>
        <a href="/plans">Plans</a>
        <span aria-hidden="true">/</span>
        <a href={`/plans/${id}`}>{id}</a>
        <span aria-hidden="true">/</span>
        <b>Diagnosis</b>
      </Head>
      <Answer v={v} url={url} />
    </main>
  )
}

function NotYet({ id, why }: { id: string; why: string }) {
  return (
    <main>
      <div class="empty">
        <h1>There is no diagnosis to show.</h1>
        <p>{why}</p>
        <p>
          <a href={`/plans/${id}`}>{id}</a> or <a href="/diagnose">ask by hand</a>
        </p>
      </div>
    </main>
  )
}

// Head is the sentence, the verdict and what it is worth, and the other forms.
export function Head({ v, children }: { v: DiagnosisView; children: ComponentChildren }) {
  const table = new URLSearchParams(location.search).has('table')
  useKeys({
    m: () => document.querySelector<HTMLElement>('main button.num')?.click(),
    t: () => setQuery('table', table ? '' : '1'),
    y: () => void copy(location.href, 'Link'),
  })
  return (
    <header class="head">
      <div class="crumb">
        {children}
        <span class="soft">{v.title}</span>
      </div>
      <h1>{v.sentence}</h1>
      {v.detail && <p class="detail">{v.detail}</p>}
      <div class="meta">
        <span class="pill" aria-live="polite">
          <Status tone={v.tone}>{v.verdict_word}</Status>
        </span>
        <span>{v.meaning}</span>
        {v.diagnosed_at && (
          <span class="soft">
            found <Time t={v.diagnosed_at} />
          </span>
        )}
      </div>
      <div class="forms">
        {v.plan && <a href={local(v.links.ask)}>Ask again, with other periods</a>}
        <a href={local(v.links.html)} target="_blank">
          Read without JavaScript, print
        </a>
        <a href={local(v.links.markdown)} download="diagnosis.md">
          Markdown
        </a>
        <a href={local(v.links.json)} download="diagnosis.json">
          JSON
        </a>
      </div>
    </header>
  )
}

// local is a link on this server: the public address may be another one.
function local(link: string): string {
  const u = new URL(link, location.href)
  return u.pathname + u.search
}

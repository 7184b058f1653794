import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ago, clock, stamp } from './time'
import { useUTC } from './prefs'
import { fresh, useNow } from './data'
import type { Fact, Maths, Tone } from './types'

// A status is icon, word and colour, never colour alone.
const paths: Record<Tone, string> = {
  ok: 'M3.5 8.5l3 3 6-7',
  active: 'M8 2.500a5.500 5.500 0 0 1 0 11z',
  wait: 'M8 4.500V8l2.500 1.800',
  warn: 'M8 4v4.800M8 11.800v.2',
  bad: 'M4.500 4.500l7 7M11.500 4.500l-7 7',
  none: 'M8 8v.01',
  'no-data': 'M4.300 11.700l7.400-7.400',
}

export function Icon({ tone }: { tone: Tone }) {
  const ring = tone === 'active' || tone === 'wait' || tone === 'no-data'
  return (
    <svg class={`icon ${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      {ring && <circle cx="8" cy="8" r="5.5" />}
      <path d={paths[tone]} class={tone === 'active' ? 'solid' : ''} />
    </svg>
  )
}

export function Status({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`status ${tone}`}>
      <Icon tone={tone} />
      <span>{children}</span>
    </span>
  )
}

// Time shows an instant, with the whole of it on hover.
export function Time({ t, relative }: { t: string; relative?: boolean }) {
  const utc = useUTC()
  const now = useNow(relative ? 1000 : 60_000)
  return (
    <time dateTime={t} title={stamp(t, utc)}>
      {relative ? ago(t, now + fresh.skew) : clock(t, utc)}
    </time>
  )
}

// Popover shows maths beside the number that was asked.
interface Asked { maths: Maths; at: DOMRect; from: HTMLElement }
let ask: (a: Asked | null) => void = () => {}

export function Num({ maths, children, tone }: { maths?: Maths; children: ComponentChildren; tone?: Tone }) {
  if (!maths) return <span class={tone}>{children}</span>
  return (
    <button
      type="button"
      class={`num ${tone ?? ''}`}
      title="Show the maths"
      aria-haspopup="dialog"
      onClick={(e) => {
        const el = e.currentTarget as HTMLElement
        ask({ maths, at: el.getBoundingClientRect(), from: el })
      }}
    >
      {children}
    </button>
  )
}

export function MathsPopover() {
  const [a, set] = useState<Asked | null>(null)
  const box = useRef<HTMLDivElement>(null)
  const utc = useUTC()
  ask = set
  const close = () => {
    a?.from.focus()
    set(null)
  }
  useLayoutEffect(() => {
    const el = box.current
    if (!a || !el) return
    const room = { w: document.documentElement.clientWidth, h: innerHeight }
    const left = Math.max(12, Math.min(a.at.left, room.w - el.offsetWidth - 12))
    const below = a.at.bottom + 8
    const top = below + el.offsetHeight > room.h - 8 ? Math.max(8, a.at.top - el.offsetHeight - 8) : below
    el.style.left = `${left}px`
    el.style.top = `${top}px`
    el.focus({ preventScroll: true })
  }, [a])
  useEffect(() => {
    if (!a) return
    const key = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return
      e.stopPropagation()
      close()
    }
    const out = (e: PointerEvent) => {
      if (!box.current?.contains(e.target as Node) && !a.from.contains(e.target as Node)) set(null)
    }
    addEventListener('keydown', key, true)
    addEventListener('pointerdown', out)
    addEventListener('scroll', out as unknown as EventListener, { passive: true })
    return () => {
      removeEventListener('keydown', key, true)
      removeEventListener('pointerdown', out)
      removeEventListener('scroll', out as unknown as EventListener)
    }
  }, [a])
  if (!a) return null
  const m = a.maths
  return (
    <div class="maths" role="dialog" aria-label={`The maths of ${m.title}`} tabIndex={-1} ref={box}>
      <header>
        <b>{m.title}</b>
        <button type="button" class="x" aria-label="Close" onClick={close}>
          ×
        </button>
      </header>
      {m.formula && <code class="formula">{m.formula}</code>}
      <Facts facts={m.lines ?? []} />
      {m.query && (
        <div class="query">
          <span>query</span>
          <code>{m.query}</code>
        </div>
      )}
      {m.at && <p class="soft">evaluated at {stamp(m.at, utc)}</p>}
    </div>
  )
}

export function Facts({ facts }: { facts: Fact[] }) {
  if (!facts.length) return null
  return (
    <dl class="facts">
      {facts.map((f) => (
        <div key={f.label}>
          <dt>{f.label}</dt>
          <dd>
            {f.tone && f.tone !== 'none' && <Icon tone={f.tone} />}
            <Num maths={f.maths} tone={f.tone}>
              {f.value}
            </Num>
          </dd>
        </div>
      ))}
    </dl>
  )
}

export function Meter({ share, tone, label }: { share: number; tone: Tone; label: string }) {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`
  return (
    <span class={`meter ${tone}`} role="img" aria-label={label}>
      <span style={{ width }} />
    </span>
  )
}

// Toast confirms what a key did, and is gone.
let say: (s: string) => void = () => {}
export const toast = (s: string) => say(s)
export function Toast() {
  const [text, set] = useState('')
  say = set
  useEffect(() => {
    if (!text) return
    const t = setTimeout(() => set(''), 2200)
    return () => clearTimeout(t)
  }, [text])
  return (
    <div class="toast" role="status">
      {text && <span>{text}</span>}
    </div>
  )
}

export async function copy(text: string, what: string) {
  try {
    await navigator.clipboard.writeText(text)
    toast(`${what} copied`)
  } catch {
    toast(text)
  }
}

import type { ComponentChildren } from 'preact'
import { Section, Table, number } from '../settings/section'
import { stamp } from '../time'
import { useUTC } from '../prefs'
import type { Table as Cells } from '../types'
import { useAsked, useSeen, type Answer } from './asked'

interface LateProps<T> {
  id: string
  title: string
  note?: ComponentChildren
  what: string // what is read, as in "reading …"
  path: string | null // null: nothing was asked yet
  before?: ComponentChildren // the choices, there from the beginning
  children: (value: T) => ComponentChildren
}

// Late is a section whose answer takes its time: it is asked when it comes into
// view, and its trouble stays its own.
export function Late<T>({ id, title, note, what, path, before, children }: LateProps<T>) {
  const [box, seen] = useSeen<HTMLDivElement>()
  const a = useAsked<T>(seen ? path : null)
  return (
    <Section id={id} title={title} note={note}>
      <div ref={box} class="late" aria-busy={a.busy}>
        {before}
        <Body a={a} asked={path !== null} what={what}>
          {children}
        </Body>
      </div>
    </Section>
  )
}

function Body<T>({ a, asked, what, children }: { a: Answer<T>; asked: boolean; what: string; children: (value: T) => ComponentChildren }) {
  if (!asked) return null
  if (a.trouble) {
    return (
      <div class="failed" role="alert">
        <p>
          Cannot tell {what}: {a.trouble.message}. {a.trouble.hint && `Next: ${a.trouble.hint}. `}
          <span class="soft">The rest of this page still holds.</span>
        </p>
        <button type="button" class="quiet" onClick={a.again}>
          Try again
        </button>
      </div>
    )
  }
  if (!a.value) return <p class="soft unasked">{a.busy ? `Reading ${what}…` : `Read when it comes into view: ${what}.`}</p>
  return <div class={a.busy ? 'older' : ''}>{children(a.value)}</div>
}

// Choice is one of a few, in the address.
export function Choice({ label, list, at, set }: { label: string; list: [string, string][]; at: string; set: (v: string) => void }) {
  return (
    <span class="seg choice" role="group" aria-label={label}>
      {list.map(([value, word]) => (
        <button type="button" key={value} aria-pressed={at === value} onClick={() => set(value)}>
          {word}
        </button>
      ))}
    </span>
  )
}

export function Plain({ t, label }: { t: Cells; label: string }) {
  return (
    <Table label={label} columns={t.columns.map((c, i) => (t.numeric[i] ? number(c) : c))}>
      {t.rows.map((r, i) => (
        <tr key={i}>
          {r.map((c, j) => (
            <td class={t.numeric[j] ? 'n' : ''} key={j}>
              {c}
            </td>
          ))}
        </tr>
      ))}
    </Table>
  )
}

// When is an instant with its date.
export function When({ t }: { t: string }) {
  const utc = useUTC()
  return <time dateTime={t}>{stamp(t, utc)}</time>
}

export function Between({ from, to }: { from: string; to: string }) {
  const utc = useUTC()
  return (
    <>
      <time dateTime={from}>{stamp(from, utc)}</time> to <time dateTime={to}>{stamp(to, utc)}</time>
    </>
  )
}

import type { ComponentChildren } from 'preact'
import { copy } from '../ui'
import { remedy } from './words'

export function Section({ id, title, note, children }: { id: string; title: string; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section id={id} class="card part" aria-labelledby={`${id}-title`} tabIndex={-1}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        {note && <span class="soft">{note}</span>}
      </header>
      {children}
    </section>
  )
}

// Scroll lets a wide table move inside its section.
function Scroll({ label, tall, children }: { label: string; tall?: boolean; children: ComponentChildren }) {
  return (
    <div class={tall ? 'scroll tall' : 'scroll'} tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  )
}

// A column is its name, or a name with what else it is.
export type Column = string | { name: string; class?: 'n' | 'g'; title?: string }

// number is a column of numbers.
export const number = (name: string, title?: string): Column => ({ name, class: 'n', title })

interface TableProps {
  label: string
  columns: Column[]
  tall?: boolean
  class?: string
  children: ComponentChildren // rows
}

// Table is a table that moves inside its section when it is wide.
export function Table({ label, columns, tall, class: look, children }: TableProps) {
  return (
    <Scroll label={label} tall={tall}>
      <table class={look}>
        <thead>
          <tr>
            {columns.map((c) => {
              const of = typeof c === 'string' ? { name: c } : c
              return (
                <th scope="col" class={of.class} title={of.title} key={of.name}>
                  {of.name}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  )
}

export function Line({ text }: { text: string }) {
  return (
    <span class="paste">
      <code>{text}</code>
      <button type="button" class="quiet" aria-label={`Copy ${text}`} onClick={() => void copy(text, 'Line')}>
        Copy
      </button>
    </span>
  )
}

// Remedy is the next step, with what can be pasted ready to be copied.
export function Remedy({ text }: { text: string }) {
  return (
    <>
      {remedy(text).map((p, i) => (p.whole ? <Line key={i} text={p.text} /> : p.code ? <code key={i}>{p.text}</code> : <span key={i}>{p.text}</span>))}
    </>
  )
}

// The documents are in the source, at the same path on every machine.
const source = 'https://github.com/pitwall/pitwall/blob/main/'

export function Doc({ path, children }: { path: string; children?: ComponentChildren }) {
  return (
    <a href={path.includes('://') ? path : source + path} rel="noreferrer">
      {children ?? path}
    </a>
  )
}

import type { Trouble } from '../api'
import { useNow } from '../data'
import { span } from '../time'

// What failed, since when, and what to do: never a spinner for ever.
export function Nothing({ trouble, since, what }: { trouble: Trouble | null; since: number; what: string }) {
  const now = useNow()
  if (!trouble) {
    return (
      <main>
        <p class="empty soft">Reading {what}…</p>
      </main>
    )
  }
  return (
    <main>
      <div class="empty" role="alert">
        <h1>{trouble.kind === 'not-found' ? `There is no ${what}.` : `Cannot read ${what}.`}</h1>
        <p>
          {trouble.message}
          {trouble.kind !== 'not-found' && `, since ${span(now - since)}. It is tried again by itself.`}
        </p>
        <p>
          <a href="/plans">All plans</a>
        </p>
      </div>
    </main>
  )
}

// Old says that what is on the page is from before, and why.
export function Old({ trouble, since }: { trouble: Trouble; since: number }) {
  const now = useNow()
  return (
    <p class="stale warn" role="alert">
      Not read for {span(now - since)}: {trouble.message}. What you see is older; it is tried again by itself.
    </p>
  )
}

// Speaks to the JSON API. Every trouble has one shape, and becomes a Trouble.

export class Trouble extends Error {
  constructor(readonly kind: string, message: string, readonly hint: string) {
    super(message)
  }
}

// troubleOf reads the API's error shape; whatever else comes is told as it is.
export function troubleOf(status: number, text: string): Trouble {
  try {
    const e = (JSON.parse(text) as { error?: { kind?: string; message?: string; hint?: string } }).error
    if (e?.message) return new Trouble(e.kind ?? 'internal', e.message, e.hint ?? '')
  } catch {
    // not JSON: a proxy in between, perhaps
  }
  return new Trouble('unavailable', `the server answered ${status}`, '')
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  let res: Response
  try {
    res = await fetch(path, { headers: { Accept: 'application/json' }, signal })
  } catch (e) {
    if (signal?.aborted) throw e
    throw new Trouble('unavailable', 'the server cannot be reached', 'it is asked again by itself')
  }
  if (!res.ok) throw troubleOf(res.status, await res.text())
  return (await res.json()) as T
}

export interface Acted { plan: string; state: string; did: string }

export async function act(plan: string, body: { action: string; by: string; reason: string }): Promise<Acted> {
  let res: Response
  try {
    res = await fetch(`/api/v1/plans/${encodeURIComponent(plan)}/actions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
    })
  } catch {
    throw new Trouble('unavailable', 'the server cannot be reached; nothing was done', '')
  }
  if (!res.ok) throw troubleOf(res.status, await res.text())
  return (await res.json()) as Acted
}

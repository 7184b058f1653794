import { useEffect, useRef, useState } from 'preact/hooks'
import { act, Trouble } from '../api'
import { recall, remember } from '../prefs'
import { toast } from '../ui'
import type { Action, PlanView } from '../types'

// Buttons lead to a dialog, never to the world: it states effect, undo and
// policy, and asks who and why.
export function Actions({ plan, again }: { plan: PlanView; again: () => void }) {
  const [open, set] = useState<Action | null>(null)
  const [more, setMore] = useState(false)
  const menu = useRef<HTMLDivElement>(null)
  const first = plan.actions.filter((a) => a.primary || ((a.name === 'hold' || a.name === 'rollback') && a.enabled))
  const rest = plan.actions.filter((a) => !first.includes(a))
  useEffect(() => {
    if (!more) return
    const close = (e: Event) => {
      if (e instanceof KeyboardEvent ? e.key === 'Escape' : !menu.current?.contains(e.target as Node)) setMore(false)
    }
    addEventListener('pointerdown', close)
    addEventListener('keydown', close)
    return () => {
      removeEventListener('pointerdown', close)
      removeEventListener('keydown', close)
    }
  }, [more])
  return (
    <div class="actions">
      {[...first].sort((a, b) => Number(a.primary) - Number(b.primary)).map((a) => (
        <button type="button" key={a.name} class={a.primary ? 'primary' : a.danger ? 'danger' : ''} onClick={() => set(a)}>
          {a.label}
        </button>
      ))}
      <div class="menu" ref={menu}>
        <button type="button" aria-expanded={more} aria-label="More actions" onClick={() => setMore(!more)}>
          ⋯
        </button>
        {more && (
          <ul>
            {rest.map((a) => (
              <li key={a.name}>
                <button
                  type="button"
                  aria-disabled={!a.enabled}
                  onClick={() => {
                    if (!a.enabled) return
                    setMore(false)
                    set(a)
                  }}
                >
                  {a.label}
                  {!a.enabled && <small>{a.why_not}</small>}
                </button>
              </li>
            ))}
            <li class="sep">
              <a href={plan.links.html} target="_blank">Read without JavaScript, print</a>
            </li>
            <li>
              <a href={plan.links.markdown} download={`${plan.id}.md`}>Export Markdown</a>
            </li>
            <li>
              <a href={plan.links.json} download={`${plan.id}.json`}>Export JSON</a>
            </li>
          </ul>
        )}
      </div>
      {open && <Confirm plan={plan} action={open} close={() => set(null)} again={again} />}
    </div>
  )
}

function Confirm({ plan, action, close, again }: { plan: PlanView; action: Action; close: () => void; again: () => void }) {
  const box = useRef<HTMLDialogElement>(null)
  const [by, setBy] = useState(recall('name'))
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Trouble | null>(null)
  useEffect(() => box.current?.showModal(), [])
  const now = plan.actions.find((a) => a.name === action.name) ?? action
  const send = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setTrouble(null)
    try {
      const res = await act(plan.id, { action: action.name, by: by.trim(), reason: reason.trim() })
      remember('name', by.trim())
      toast(`${plan.id}: ${res.did}`)
      again()
      close()
    } catch (err) {
      setTrouble(err instanceof Trouble ? err : new Trouble('internal', String(err), ''))
      setBusy(false)
    }
  }
  const ready = by.trim() !== '' && reason.trim() !== '' && now.enabled && !busy
  return (
    <dialog ref={box} class="confirm" onClose={close} aria-labelledby="confirm-title">
      <form onSubmit={(e) => void send(e)}>
        <h2 id="confirm-title">
          {action.label} <span class="soft">{plan.id}</span>
        </h2>
        <dl>
          <dt>Effect</dt>
          <dd>{now.effect}</dd>
          <dt>Undo</dt>
          <dd>{now.undo}</dd>
          <dt>Policy</dt>
          <dd>{now.policy}</dd>
        </dl>
        {!now.enabled && <p class="bad" role="alert">Not possible any more: {now.why_not}.</p>}
        <label>
          Your name
          <input value={by} onInput={(e) => setBy(e.currentTarget.value)} autoComplete="name" maxLength={200} required />
        </label>
        <label>
          {action.name === 'note' ? 'Note' : 'Reason'}
          <textarea value={reason} onInput={(e) => setReason(e.currentTarget.value)} rows={3} maxLength={4000} required autofocus />
        </label>
        <p class="soft">Both stand in the record, for good.</p>
        {trouble && (
          <p class="bad" role="alert">
            {trouble.message} {trouble.hint && <span class="soft">{trouble.hint}</span>}
          </p>
        )}
        <footer>
          <button type="button" onClick={() => box.current?.close()}>
            Cancel
          </button>
          <button type="submit" class={action.danger ? 'danger solid' : 'primary'} disabled={!ready}>
            {busy ? 'Asking…' : action.label}
          </button>
        </footer>
      </form>
    </dialog>
  )
}

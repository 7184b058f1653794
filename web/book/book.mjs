// Looks at every page in a real browser, over the storybook: a screenshot of
// each plan state in dark and light, axe on each, a live update without a
// reload, and a plan that reads without script. Pictures go to a temporary
// folder (or PITWALL_SHOTS); the exit code says whether all held.
//
//   npm run book            everything
//   npm run book -- closed  only pages whose name contains "closed"
//   npm run browser         a few pages and all behaviour, as make test does
//   npm run book -- picture the picture of the README, docs/plan-page.png

import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { shrink } from './picture.mjs'

const web = dirname(dirname(fileURLToPath(import.meta.url)))
const only = process.argv[2] ?? ''
const temp = mkdtempSync(join(tmpdir(), 'pitwall-book-'))
const shots = process.env.PITWALL_SHOTS ?? join(temp, 'shots')
mkdirSync(shots, { recursive: true })

const browserPath = process.env.PITWALL_CHROMIUM ?? '/usr/bin/chromium'
if (!existsSync(browserPath)) {
  console.error(`no browser at ${browserPath}: install chromium, or set PITWALL_CHROMIUM`)
  process.exit(2)
}

const faults = []
const fault = (where, what) => {
  faults.push(`${where}: ${what}`)
  console.error(`  FAIL ${where}: ${what}`)
}

function freePort() {
  return new Promise((done, fail) => {
    const s = createServer()
    s.on('error', fail)
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address()
      s.close(() => done(port))
    })
  })
}

async function until(what, f, within = 15000) {
  const end = Date.now() + within
  for (;;) {
    try {
      if (await f()) return true
    } catch {
      // not yet
    }
    if (Date.now() > end) throw new Error(`${what} did not happen within ${within / 1000} s`)
    await new Promise((r) => setTimeout(r, 80))
  }
}

// Pages whose look is checked: every plan, and the lists.
async function pagesOf(url, quiet, objectives) {
  const { plans } = await (await fetch(url + '/api/v1/plans')).json()
  const list = plans.map((p) => ({ name: `${p.id.toLowerCase()}-${p.state}`, url: `${url}/plans/${p.id}`, ready: '.pane h2' }))
  const closed = plans.find((p) => p.state === 'closed')
  const v = await (await fetch(`${url}/api/v1/plans/${closed.id}`)).json()
  for (const m of v.story) list.push({ name: `moment-${m.anchor}`, url: `${url}/plans/${closed.id}#${m.anchor}`, ready: '.pane h2' })
  return [
    ...list,
    { name: 'plans', url: url + '/plans', ready: 'table' },
    { name: 'plans-calm', url: quiet + '/', ready: '.now.calm' },
    { name: 'slos', url: objectives + '/slos', ready: 'table' },
    { name: 'slos-narrowed', url: objectives + '/slos?q=journey&state=calm', ready: 'table' },
    { name: 'slos-many', url: objectives + '/slos', ready: '.more', answers: { '**/api/v1/slos': many } },
    { name: 'slo', url: url + '/slos/checkout-latency', ready: '.chart canvas', through: '.failed' },
    ...(await sloStates(objectives)),
    { name: 'slo-as-tables', url: objectives + '/slos/checkout-latency?table=1&for=2592000s', ready: '.chart table' },
    { name: 'slo-down', url: objectives + '/slos/checkout-latency', ready: '.empty h1', answers: { '**/api/v1/slos/*': null } },
    { name: 'slo-missing', url: objectives + '/slos/nothing-like-it', ready: '.empty h1' },
    { name: 'activity', url: `${url}/plans/${closed.id}?all=1`, ready: '.log' },
    { name: 'chart-as-table', url: `${url}/plans/${closed.id}?table=1`, ready: '.chart table' },
    { name: 'settings', url: url + '/settings', ready: '#blind li' },
    { name: 'settings-filtered', url: url + '/settings?set=1&q=pitwall.yaml#configuration', ready: '.config tbody tr' },
    { name: 'settings-calm', url: quiet + '/settings', ready: '.now.calm' },
    { name: 'settings-first', url: url + '/settings', ready: '.first li', answers: { '**/api/v1/telemetry': untouched } },
    { name: 'settings-down', url: url + '/settings', ready: '.empty h1', answers: { '**/api/v1/telemetry': null } },
    ...diagnoses(url, closed.id, plans.find((p) => p.state === 'opened').id),
    { name: 'missing', url: url + '/plans/PIP-999', ready: '.empty h1' },
    { name: 'document', url: `${url}/plans/${closed.id}.html`, ready: 'main' },
  ].filter((p) => (only === 'quick' ? /canarying|-closed$|proposed|held|calm|settings|diagnosis$|ask-none|^slos$|slo-(burning|no-data|composite)|document/.test(p.name) : p.name.includes(only)))
}

// diagnoses are the answers a diagnosis can be, of a plan and asked by hand.
function diagnoses(url, id, young) {
  const ask = (service) => `${url}/diagnose?service=${service}&signal=latency&from=2026-03-02T14:08:00Z&to=2026-03-02T14:13:00Z`
  return [
    { name: 'diagnosis', url: `${url}/plans/${id}/diagnosis`, ready: '.flames button' },
    { name: 'diagnosis-as-tables', url: `${url}/plans/${id}/diagnosis?table=1&frame=3&side=baseline&find=json`, ready: '.flames button' },
    { name: 'diagnosis-not-yet', url: `${url}/plans/${young}/diagnosis`, ready: '.empty h1' },
    { name: 'diagnosis-document', url: `${url}/plans/${id}/diagnosis.html`, ready: 'main' },
    { name: 'ask', url: url + '/diagnose', ready: '.ask' },
    { name: 'ask-none', url: ask('edge'), ready: '.checks' },
    { name: 'ask-inconclusive', url: ask('orders'), ready: '.checks' },
    { name: 'ask-metrics', url: ask('search'), ready: '.checks' },
    { name: 'ask-unknown', url: ask('nobody'), ready: '.failed' },
  ]
}

// sloStates are the page of an objective in every state, with what is slow to
// answer asked by looking at it.
async function sloStates(url) {
  const { slos } = await (await fetch(url + '/api/v1/slos')).json()
  const states = { 'checkout-latency': 'burning', 'catalog-availability': 'calm', 'search-freshness': 'no-data', 'orders-availability': 'young', 'payments-monthly': 'calendar', 'shop-journey': 'composite', 'journey-pay': 'overspent' }
  return slos.filter((s) => states[s.name]).map((s) => {
    const burning = s.name === 'checkout-latency'
    const query = burning ? '?for=6h&by=tenant&target=0.995&preset=sre-workbook' : ''
    return { name: `slo-${states[s.name]}`, url: `${url}/slos/${s.name}${query}`, ready: '#definition', through: burning ? '#replay table' : '#what-if .below, #what-if .soft' }
  })
}

// many is a list of ten thousand objectives.
function many(v) {
  const slos = Array.from({ length: 10_000 }, (_, i) => {
    const s = v.slos[i % v.slos.length]
    const of = s.part_of ? { part_of: `${s.part_of}-${Math.floor(i / v.slos.length)}` } : {}
    return { ...s, ...of, name: `${s.name}-${Math.floor(i / v.slos.length)}`, service: `${s.service}-${i % 70}` }
  })
  return { ...v, slos }
}

// untouched is the answer of a Pitwall that nobody has ever sent anything to.
function untouched(t) {
  const never = '0001-01-01T00:00:00Z'
  const sources = t.sources.map((s) => ({ name: s.name, signal: s.signal, up: true, last_seen: never, accepted: 0, rejected: 0, blind: s.blind }))
  const blind = [{ signal: 'traces', stops: 'judging', what: 'no telemetry of any service', means: 'nothing can be judged, and nothing found', remedy: 'send traces here: OTEL_SERVICE_NAME=SERVICE OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318' }]
  const view = { ...t.view, tone: 'bad', sentence: 'No service is seen yet. 1 blind spot stops the judging of objectives.', context: 'no calls', services: [], drifts: [] }
  return { ...t, sources, services: null, signals: null, targets: null, cardinality: undefined, drifts: null, blind, view }
}

// answering changes what the server says to a tab; null: it cannot be reached.
async function answering(tab, answers) {
  for (const [path, change] of Object.entries(answers ?? {})) {
    await tab.route(path, async (route) => {
      if (!change) return route.abort()
      const response = await route.fetch()
      return route.fulfill({ response, json: change(await response.json()) })
    })
  }
}

const axe = readFileSync(join(web, 'node_modules/axe-core/axe.min.js'), 'utf8')

async function look(context, theme, page) {
  const tab = await context.newPage()
  const said = []
  const expected = page.answers ? /404|ERR_FAILED/ : /404/
  tab.on('console', (m) => m.type() === 'error' && !expected.test(m.text()) && said.push(m.text()))
  tab.on('pageerror', (e) => said.push(String(e)))
  await answering(tab, page.answers)
  await tab.goto(page.url)
  await tab.waitForSelector(page.ready, { timeout: 15000 })
  if (page.through) {
    // what comes late comes when it is looked at
    for (let y = 0, end = 0; y <= end; y += 500) {
      await tab.evaluate((to) => scrollTo(0, to), y)
      await tab.waitForTimeout(60)
      end = await tab.evaluate(() => document.documentElement.scrollHeight)
    }
    await tab.waitForSelector(page.through, { timeout: 5000 })
    await tab.evaluate(() => scrollTo(0, 0))
  }
  await tab.waitForTimeout(250)
  await tab.screenshot({ path: join(shots, `${page.name}-${theme}.png`), fullPage: true })
  await tab.evaluate(axe)
  const { violations } = await tab.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  for (const v of violations.filter((x) => x.impact === 'serious' || x.impact === 'critical')) {
    fault(`${page.name} ${theme}`, `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`)
  }
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (wide > 1) fault(`${page.name} ${theme}`, `the page is ${wide} px wider than the window`)
  for (const s of said) fault(`${page.name} ${theme}`, s)
  await tab.close()
}

// The stories that a picture cannot tell.
async function behaves(browser, url, objectives) {
  const context = await browser.newContext({ viewport: { width: 1320, height: 900 } })
  const tab = await context.newPage()
  const streams = []
  tab.on('request', (r) => r.url().includes('/api/v1/events') && streams.push(r.url()))
  await tab.goto(url + '/plans/PIP-2')
  await tab.waitForSelector('.pane h2')
  await until('a live stream', async () => (await tab.textContent('.fresh')).includes('live'))
  await tab.evaluate(() => (window.sameDocument = true))

  // A second tab of the same browser opens no second stream.
  const second = await context.newPage()
  second.on('request', (r) => r.url().includes('/api/v1/events') && streams.push(r.url()))
  await second.goto(url + '/plans/PIP-2')
  await second.waitForSelector('.pane h2')
  await second.waitForTimeout(400)
  if (streams.length !== 1) fault('streams', `${streams.length} streams for one browser`)

  // A note made elsewhere shows in both, without a reload, and moves nothing.
  await tab.focus('.moments a')
  await fetch(url + '/api/v1/plans/PIP-2/actions', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ action: 'note', by: 'bob', reason: 'seen from afar' }) })
  for (const [name, t] of [['leader', tab], ['follower', second]]) {
    await until(`the note in the ${name}`, async () => (await t.textContent('.moments')).includes('seen from afar'), 5000).catch((e) => fault('live', e.message))
  }
  if (!(await tab.evaluate(() => window.sameDocument))) fault('live', 'the page was loaded anew')
  if (!(await tab.evaluate(() => document.activeElement?.closest('.moments')))) fault('live', 'a tick moved the focus')

  // When the leader leaves, the other tab takes over.
  await tab.close()
  await until('a new leader', () => streams.length === 2, 5000).catch((e) => fault('streams', e.message))

  await keys(second, url)
  await acts(second, url)
  await settings(second, url)
  await slos(second, objectives)
  await diagnosis(second, url)
  await context.close()

  const bare = await browser.newContext({ javaScriptEnabled: false })
  const dead = await bare.newPage()
  await dead.goto(url + '/plans/PIP-1.html')
  const text = await dead.textContent('body')
  for (const want of ['Fixed and proven', 'Root cause', 'time to diagnose', 'What was left behind']) if (!text.includes(want)) fault('without script', `lacks ${want}`)
  await dead.goto(url + '/plans/PIP-1/diagnosis.html')
  const why = await dead.textContent('body')
  for (const want of ['Where the extra', 'What would disprove it', 'Not the cause, because']) if (!why.includes(want)) fault('without script', `the diagnosis lacks ${want}`)
  await dead.goto(url + '/plans/PIP-1')
  if ((await dead.getAttribute('noscript a', 'href').catch(() => '')) !== '/plans/PIP-1.html') fault('without script', 'the app does not point to the document')
  await bare.close()

  const narrow = await browser.newContext({ viewport: { width: 640, height: 900 }, deviceScaleFactor: 2 })
  const small = await narrow.newPage()
  await small.goto(url + '/plans/PIP-2')
  await small.waitForSelector('.pane h2')
  await small.waitForTimeout(300)
  await small.screenshot({ path: join(shots, 'zoom-200.png'), fullPage: true })
  if ((await small.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)) > 1) fault('zoom 200 %', 'the page scrolls sideways')
  await narrow.close()
}

async function keys(tab, url) {
  await tab.goto(url + '/plans/PIP-1')
  await tab.waitForSelector('.pane h2')
  const title = () => tab.textContent('.pane h2')
  const first = await title()
  await tab.keyboard.press('j')
  await until('j moves on', async () => (await title()) !== first, 3000).catch((e) => fault('keys', e.message))
  if (!(await tab.evaluate(() => location.hash))) fault('keys', 'the moment is not in the address')
  await tab.keyboard.press('k')
  await until('k moves back', async () => (await title()) === first, 3000).catch((e) => fault('keys', e.message))
  await tab.keyboard.press('m')
  await until('m shows the maths', () => tab.isVisible('.maths'), 3000).catch((e) => fault('keys', e.message))
  await tab.screenshot({ path: join(shots, 'maths.png') })
  await tab.keyboard.press('Escape')
  await until('Escape closes the maths', async () => !(await tab.isVisible('.maths')), 3000).catch((e) => fault('keys', e.message))
  await tab.keyboard.press('t')
  await until('t shows tables', () => tab.isVisible('.chart table'), 3000).catch((e) => fault('keys', e.message))
  await tab.keyboard.press('?')
  await until('? shows help', () => tab.isVisible('dialog[open]'), 3000).catch((e) => fault('keys', e.message))
  await tab.keyboard.press('Escape')
  await until('Escape closes help', async () => !(await tab.isVisible('dialog[open]')), 3000).catch((e) => fault('keys', e.message))
  await tab.keyboard.press('g')
  await tab.keyboard.press('s')
  await until('g s opens the SLOs', () => tab.url().endsWith('/slos'), 3000).catch((e) => fault('keys', e.message))
}

async function acts(tab, url) {
  await tab.goto(url + '/plans/PIP-3')
  await tab.waitForSelector('.actions .primary')
  await tab.click('.actions .primary')
  const dialog = tab.locator('dialog[open]')
  for (const want of ['Effect', 'Undo', 'Policy']) if (!(await dialog.textContent()).includes(want)) fault('actions', `the dialog does not state ${want}`)
  await tab.screenshot({ path: join(shots, 'approve.png') })
  if (await dialog.locator('button[type=submit]').isEnabled()) fault('actions', 'it can be sent without a name and a reason')
  await dialog.locator('input').fill('alice')
  await dialog.locator('textarea').fill('the diff is plain, go')
  await dialog.locator('button[type=submit]').click()
  await until('the approval', async () => (await tab.textContent('.pill')).includes('Approved'), 5000).catch((e) => fault('actions', e.message))
  if (!(await tab.textContent('.moments')).includes('approved by alice')) fault('actions', 'the story does not name who approved')
}

// What cannot be seen comes first and can be copied; the filter is in the
// address; what was read stays when the server is gone, and says how old it is.
async function settings(tab, url) {
  await tab.goto(url + '/plans')
  await tab.waitForSelector('table')
  await tab.keyboard.press('g')
  await tab.keyboard.press('t')
  await tab.waitForSelector('#blind li')
  const first = async (selector) => (await tab.textContent(selector)) ?? ''
  if (!(await first('#blind li')).includes('stops judging')) fault('settings', 'the worst blind spot is not first')
  if (!(await first('.sourcelist tbody tr')).includes('down, silent since')) fault('settings', 'the source in trouble is not first')
  if (!(await first('.matrix tbody tr')).includes('not known')) fault('settings', 'a signal that could not be asked for is not told from a missing one')
  await tab.click('#blind .paste button')
  await until('a line is copied', async () => (await first('.toast')) !== '', 3000).catch((e) => fault('settings', e.message))
  await tab.fill('.filter input', 'token')
  await until('the filter', async () => (await tab.locator('.config tbody tr').count()) === 1 && tab.url().includes('q=token'), 3000).catch((e) => fault('settings', e.message))
  await tab.click('.parts a[href="#targets"]')
  await until('the section takes the focus', () => tab.evaluate(() => document.activeElement?.id === 'targets'), 3000).catch((e) => fault('settings', e.message))
  await answering(tab, { '**/api/v1/telemetry': null })
  await tab.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))) // it reads again when it is looked at, not only every ten seconds
  await until('the page says that it is old', () => tab.isVisible('.stale')).catch((e) => fault('settings', e.message))
  if (!(await tab.isVisible('#blind li'))) fault('settings', 'what was read before is gone')
  await tab.setViewportSize({ width: 360, height: 800 })
  await tab.screenshot({ path: join(shots, 'settings-360.png'), fullPage: true })
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (wide > 1) fault('settings', `at 360 px the page is ${wide} px too wide`)
}

// An objective's page answers by the keyboard and keeps its state in the address;
// what is slow is asked when it is looked at; what fails leaves the rest alone.
async function slos(tab, url) {
  const asked = []
  tab.on('request', (r) => asked.push(r.url()))
  const count = (what) => asked.filter((u) => u.includes(what)).length
  const text = async (selector) => (await tab.textContent(selector)) ?? ''
  const soon = (what, f) => until(what, f, 3000).catch((e) => fault('slos', e.message))

  await answering(tab, { '**/api/v1/slos': many })
  await tab.goto(url + '/slos')
  await tab.waitForSelector('.slos tbody tr')
  if ((await tab.locator('.slos tbody tr').count()) !== 200) fault('slos', 'not the first 200 of 10,000 rows')
  await tab.keyboard.press('/')
  const from = Date.now()
  await tab.keyboard.type('journey-pay-1110')
  await soon('the filter over all rows', async () => (await tab.locator('.slos tbody tr').count()) === 1 && tab.url().includes('journey-pay-1110'))
  if (Date.now() - from > 2500) fault('slos', `the filter took ${Date.now() - from} ms`)
  await tab.fill('.filter input', '')
  await tab.click('.more')
  await soon('more rows', async () => (await tab.locator('.slos tbody tr').count()) === 400)
  await tab.unroute('**/api/v1/slos')

  await tab.setViewportSize({ width: 1320, height: 700 })
  await tab.goto(url + '/slos/checkout-latency')
  await tab.waitForSelector('.chart canvas')
  await tab.waitForTimeout(300)
  if (count('/what-if') || count('/replay')) fault('slo', 'what is slow was asked before anybody looked')
  await tab.click('.part .choice >> text="6 h"')
  await soon('the range in the address', async () => tab.url().includes('for=6h') && count('for=6h') > 0)
  await tab.keyboard.press('m')
  await soon('m shows the maths', () => tab.isVisible('.maths'))
  await tab.keyboard.press('Escape')

  await tab.click('.parts a[href$="#what-if"]')
  await tab.waitForSelector('#what-if input[type=range]')
  const slider = tab.locator('#what-if input[type=range]')
  const before = await slider.getAttribute('aria-valuetext')
  await slider.focus()
  await tab.keyboard.press('ArrowRight')
  await soon('the slider says another target', async () => (await slider.getAttribute('aria-valuetext')) !== before)
  await soon('the target in the address', async () => tab.url().includes('target='))
  if (!/pages a week/.test((await slider.getAttribute('aria-valuetext')) ?? '')) fault('slo', 'the slider does not say how often it would page')

  await tab.click('.parts a[href$="#replay"]')
  await tab.waitForTimeout(200)
  if (count('/replay')) fault('slo', 'a replay ran before a policy was chosen')
  await tab.click('#replay >> text="sre-workbook"')
  await tab.waitForSelector('#replay table')
  await tab.click('#replay >> text="slo-generator"')
  await soon('a refusal in its own section', async () => (await text('#replay .failed')).includes('cannot fire'))
  if (!(await tab.isVisible('#tiers table'))) fault('slo', 'a refused replay took the rest of the page along')

  const times = count('/what-if')
  await tab.goto(url + '/slos/checkout-latency?for=99y')
  await soon('a refused range is dropped', async () => !tab.url().includes('for=') && (await tab.isVisible('.chart canvas')))
  if (count('/what-if') !== times) fault('slo', 'what is slow was asked again unasked')

  await tab.setViewportSize({ width: 360, height: 800 })
  await tab.waitForTimeout(200)
  await tab.screenshot({ path: join(shots, 'slo-360.png'), fullPage: true })
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (wide > 1) fault('slo', `at 360 px the page is ${wide} px too wide`)
}

// A diagnosis can be walked by the keyboard, narrowed, marked and asked again;
// the address holds all of it, and who stops waiting stops the work.
async function diagnosis(tab, url) {
  const soon = (what, f) => until(what, f, 4000).catch((e) => fault('diagnosis', e.message))
  await tab.setViewportSize({ width: 1320, height: 900 })
  await tab.goto(url + '/plans/PIP-1')
  await tab.click('.meta a[href$="/diagnosis"]')
  await tab.waitForSelector('.flames button')
  const told = () => tab.textContent('.told')
  const all = await tab.locator('.flames button').count()
  await tab.focus('.flames button[tabindex="0"]')
  await tab.keyboard.press('ArrowDown')
  await soon('an arrow key moves to the frame below', async () => (await told()).includes('net/http.(*conn).serve'))
  await tab.keyboard.press('Enter')
  await soon('Enter narrows to a frame', async () => tab.url().includes('frame=1') && (await tab.locator('.flames button').count()) < all)
  await tab.keyboard.press('Escape')
  await soon('Escape shows all', async () => !tab.url().includes('frame=') && (await tab.locator('.flames button').count()) === all)
  await tab.keyboard.press('t')
  await soon('t shows tables', () => tab.isVisible('#waterfall table'))
  if (!(await tab.textContent('#waterfall tbody')).includes('together')) fault('diagnosis', 'the table does not sum')
  await tab.keyboard.press('t')
  await tab.click('.choice button >> nth=1')
  await soon('the other slow request, and the address says which', async () => tab.url().includes('trace=') && (await tab.textContent('.request h3')).includes('1.4 s'))

  // Drawing over a chart marks a stretch, and asks about it.
  await tab.waitForSelector('.chart .u-over')
  await tab.evaluate(() => scrollTo(0, 0))
  const over = await tab.locator('.chart .u-over').first().boundingBox()
  await tab.mouse.move(over.x + over.width * 0.9, over.y + 40)
  await tab.mouse.down()
  await tab.mouse.move(over.x + over.width * 0.97, over.y + 40, { steps: 4 })
  await tab.mouse.up()
  await soon('what is marked is in the address', async () => tab.url().includes('mark=') && (await tab.isVisible('.marked')))
  await tab.click('.marked button')
  await soon('the marked stretch is asked about', async () => /diagnose\?.*service=checkout.*from=/.test(tab.url()) && (await tab.isVisible('#checks')))

  // By hand: the form is filled from what is known; stopping stops.
  await tab.keyboard.press('g')
  await tab.keyboard.press('d')
  await soon('g d opens the form', () => tab.isVisible('.ask'))
  await soon('services are proposed', async () => (await tab.locator('#services option').count()) > 3)
  if (await tab.isEnabled('.send .primary')) fault('diagnosis', 'a question without a service can be sent')
  await tab.fill('.ask input[list=services]', 'edge')
  await tab.fill('.ask input[type=datetime-local] >> nth=0', '2026-03-02T14:08:00')
  await tab.fill('.ask input[type=datetime-local] >> nth=1', '2026-03-02T14:13:00')
  await tab.click('.send .primary')
  await soon('the calm answer', async () => (await tab.textContent('h1')).includes('Nothing differs from baseline beyond noise'))
  await answering(tab, { '**/api/v1/diagnose?**': null })
  await tab.goto(url + '/diagnose?service=edge&from=2026-03-02T14:08:00Z&to=2026-03-02T14:13:00Z')
  await soon('what failed, and what to do', async () => (await tab.textContent('.failed')).includes('cannot be reached'))
  if (!(await tab.isVisible('.ask'))) fault('diagnosis', 'after a trouble there is no form')
  await tab.unroute('**/api/v1/diagnose?**')
  await tab.route('**/api/v1/diagnose?**', () => undefined) // never answered
  await tab.goto(url + '/diagnose?service=edge&from=2026-03-02T14:08:00Z&to=2026-03-02T14:14:00Z')
  await tab.click('.working button')
  await soon('it was stopped, and can be asked again', async () => (await tab.textContent('main')).includes('Stopped.'))
  await tab.unroute('**/api/v1/diagnose?**')

  await tab.setViewportSize({ width: 360, height: 800 })
  await tab.goto(url + '/plans/PIP-1/diagnosis')
  await tab.waitForSelector('.flames button')
  await tab.waitForTimeout(300)
  await tab.screenshot({ path: join(shots, 'diagnosis-360.png'), fullPage: true })
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (wide > 1) fault('diagnosis', `at 360 px the page is ${wide} px too wide`)
}

const [port, quietPort, sloPort] = [await freePort(), await freePort(), await freePort()]
const binary = join(temp, 'storybook.test')
execFileSync('go', ['test', '-c', '-o', binary, './internal/httpd'], { cwd: dirname(web), stdio: 'inherit' })
const server = spawn(binary, ['-test.run', '^TestStorybook$', '-test.timeout', '0'], {
  env: { ...process.env, PITWALL_STORYBOOK: `127.0.0.1:${port}`, PITWALL_STORYBOOK_QUIET: `127.0.0.1:${quietPort}` },
  stdio: 'ignore',
})
const sloBinary = join(temp, 'objectives.test')
execFileSync('go', ['test', '-c', '-o', sloBinary, './internal/report/storybook'], { cwd: dirname(web), stdio: 'inherit' })
const sloServer = spawn(sloBinary, ['-test.run', '^TestServeObjectives$', '-test.timeout', '0'], { env: { ...process.env, PITWALL_STORYBOOK_SLOS: `127.0.0.1:${sloPort}` }, stdio: 'ignore' })
const [url, quiet, objectives] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${quietPort}`, `http://127.0.0.1:${sloPort}`]
let browser
try {
  await until('the storybook', async () => (await fetch(url + '/readyz')).ok && (await fetch(quiet + '/readyz')).ok && (await fetch(objectives + '/readyz')).ok)
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
  const pages = only === 'picture' ? [] : await pagesOf(url, quiet, objectives)
  if (only === 'picture') {
    const context = await browser.newContext({ viewport: { width: 1320, height: 1240 }, deviceScaleFactor: 1.5, colorScheme: 'dark', reducedMotion: 'reduce' })
    const tab = await context.newPage()
    await tab.goto(url + '/plans/PIP-1')
    await tab.waitForSelector('.chart canvas')
    await tab.waitForTimeout(500)
    writeFileSync(join(dirname(web), 'docs/plan-page.png'), await shrink(tab, await tab.screenshot()))
    await context.close()
  }
  for (const theme of ['dark', 'light']) {
    const context = await browser.newContext({ viewport: { width: 1320, height: 900 }, colorScheme: theme, reducedMotion: 'reduce' })
    for (const p of pages) await look(context, theme, p).catch((e) => fault(`${p.name} ${theme}`, e.message))
    await context.close()
  }
  if (!only || only === 'quick') await behaves(browser, url, objectives)
  console.log(`${pages.length * 2} pages looked at, ${faults.length} faults; pictures in ${shots}`)
} catch (e) {
  fault('book', e.stack ?? String(e))
} finally {
  await browser?.close()
  for (const s of [server, sloServer]) s.kill('SIGKILL')
  for (const b of [binary, sloBinary]) rmSync(b, { force: true })
}
process.exitCode = faults.length ? 1 : 0

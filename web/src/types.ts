// The view models of internal/report, as the API sends them. Texts are ready to
// print; instants are ISO strings for the reader's own zone.

export type Tone = 'ok' | 'active' | 'wait' | 'warn' | 'bad' | 'none' | 'no-data'

export interface Fact { label: string; value: string; tone?: Tone; maths?: Maths }
export interface Maths { title: string; formula?: string; lines?: Fact[]; query?: string; at?: string }

export interface Phase { state: string; word: string; status: 'done' | 'current' | 'stopped' | 'todo' | 'skipped'; at?: string; since?: string; anchor?: string }
export interface BudgetClock { known: boolean; left: number; left_text: string; was?: string; now: string; tone: Tone; at: string; stale: boolean; maths?: Maths }
export interface Loud { title: string; text: string; next: string; tone: Tone }

export interface Evidence { check: string; claim: string; before?: string; after?: string; change?: string; maths?: Maths }
export interface Hypothesis {
  rank: number; service: string; class: string; claim: string; confidence: string; score: number; tone: Tone; chosen: boolean; rejected: boolean
  change?: string; change_how?: string; for: Evidence[]; against: Evidence[]; disproof: string; bound: string; signal: string; maths?: Maths
}
export interface Check { name: string; question: string; outcome: 'hit' | 'clear' | 'skipped' | 'error'; tone: Tone; reason: string; evidence: Evidence[] }
export interface WaterfallBar { label: string; before: string; after: string; delta: string; share: string; from: number; to: number; tone: Tone }
export interface Waterfall { title: string; total: string; bars: WaterfallBar[]; unexplained: string; summary: string; zero: number; end: number }
export interface FrameRow { name: string; before: string; after: string; change: string; p: string; share_after: string; was: number; is: number; significant: boolean; tone: Tone }
export interface FlameBox { name: string; depth: number; before: string; after: string; change: string; x: number; w: number; x_before: number; w_before: number; heat: number; tone: Tone }
export interface Flame { title: string; summary: string; families: FrameRow[]; frames: FrameRow[]; tree?: FlameBox[]; total?: string; warnings?: string[] }
export interface Series { name: string; t: number[]; v: (number | null)[] }
export interface Mark { t: number; from?: number; to?: number; label: string; kind: string }
export interface ChartView { id: string; summary: string; title: string; unit: string; query: string; series: Series[]; marks?: Mark[]; limit?: number; band?: [number, number] }
export interface Progress { share: number; text: string; eta?: string }
export interface ComparisonRow {
  name: string; where: string; control: string; control_pm?: string; treatment: string; treatment_pm?: string
  change: string; detail: string; limit: string; verdict: string; tone: Tone; why?: string; need_more?: string; maths?: Maths
}
export interface Comparison {
  kind: 'canary' | 'verification'; title: string; control: string; treatment: string; live: boolean; at: string
  verdict: string; tone: Tone; rows: ComparisonRow[] | null; progress?: Progress; facts: Fact[]
}
export interface Step {
  id: string; title: string; weight: number; weights: string; status: 'done' | 'current' | 'failed' | 'todo' | 'skipped'; tone: Tone
  at?: string; took?: string; verdict?: string; checkpoint?: string; undo?: string; resumed?: boolean; failed?: number; error?: string
}
export interface Table { columns: string[]; numeric: boolean[]; rows: string[][] }
export interface DiffLine { op: string; text: string }
export interface FileDiff { kind: string; word: string; path: string; purpose: string; added: number; removed: number; lines: DiffLine[] }
export interface Block {
  kind: string; title?: string; text?: string; facts?: Fact[]; hypotheses?: Hypothesis[]; checks?: Check[]; waterfall?: Waterfall
  flame?: Flame; chart?: ChartView; comparison?: Comparison; steps?: Step[]; table?: Table; files?: FileDiff[]
}
export interface Moment { anchor: string; seq?: number; time: string; kind: string; tone: Tone; title: string; text?: string; actor?: string; state?: string; live?: boolean; blocks: Block[] }
export interface Entry { seq: number; time: string; type: string; actor: string; title: string; anchor: string; hash: string }
export interface StageClock { name: string; label: string; seconds: number; text: string; counted: string }
export interface HoldCheck { label: string; at: string; tone: Tone; text: string }
export interface Cause { verdict: string; claim: string; service: string; class: string; change?: string; confidence: string; anchor?: string }
export interface Action { name: string; label: string; enabled: boolean; why_not?: string; effect: string; undo: string; policy: string; primary: boolean; danger: boolean }
export interface Enforced { summary: string; repository: string; branch: string; commit: string; command: string; files: FileDiff[] }

export interface PlanView {
  schema: string; id: string; service: string; slo: string; what: string; objective: string; state: string; state_word: string; tone: Tone
  final: boolean; sentence: string; line: string; loud?: Loud; owner: string; severity: number; severity_word: string
  opened_at: string; updated_at: string; deadline: string; due: string; overdue: boolean; cycle: number; seq: number; at: string; waiting?: string
  rail: Phase[]; budget: BudgetClock; story: Moment[]; next?: string; activity: Entry[]; selected: string; steps: Step[]
  comparison?: Comparison; charts: ChartView[]; enforced?: Enforced; holding: HoldCheck[]; clocks: StageClock[]; cause?: Cause
  learned: string[]; actions: Action[]; links: { app: string; html: string; markdown: string; json: string; raw: string; diagnosis?: string }
}

export interface PlanRow {
  id: string; service: string; slo: string; what: string; state: string; state_word: string; tone: Tone; sentence: string; owner: string
  severity: number; opened_at: string; updated_at: string; deadline: string; due: string; overdue: boolean; next: string; cause: string
  final: boolean; rail: Phase['status'][]
}
export interface PlanList { plans: PlanRow[] }

export interface Period { from: string; to: string }
export interface TierRow {
  name: string; when: string; factor: string; long: string; short: string; action: string; then: string; state: string
  held?: string; since?: string; expr: string; tone: Tone; maths?: Maths
}
export interface SLORow {
  name: string; title: string; service: string; owner?: string; objective: string; counted: string; window: string; target: string; measured: string
  good: string; bad: string; left: number; left_text: string; burn: string; ends_in: string; projected?: string; state: string; tone: Tone
  problem?: string; part_of?: string; plan?: string; tiers: TierRow[]; source: string; maths?: Maths
  burn_maths?: Maths; ends_maths?: Maths; projected_maths?: Maths
}
export interface SLOList { slos: SLORow[] }
// Budget is an error budget in numbers; durations are nanoseconds.
export interface Budget {
  at: string; target: number; counts: Counts; spent: number; known: boolean; coverage: number; burn_known: boolean; ends_in: number
  window: Period; projected?: number; slices?: Counts; corrected?: number
}
export interface Counts { good: number; bad: number }
export interface Correction { id: string; scope: string; period: Period; span: string; reason: string; by: string; at: string; state: string; revoked?: { by: string; reason: string; at: string } }
export interface Definition { at: string; source: string; diff: string }
export interface SLOView extends SLORow {
  elapsed: number; waiting?: { text: string; share: number }; rules: Fact[]; members: SLORow[]; corrections: Correction[]; detection?: Table; dimensions: string[]
  description?: string; yaml: string; definitions: Definition[]; longest_s: number; charts: ChartView[]; plans: PlanRow[]; period: Period; budget: Budget
}

export interface SpentRow {
  value: string; bad: string; total: string; bad_share: string; of_bad: string; of_bad_low: string; of_bad_high: string
  share: number; share_low: number; share_high: number; spent: string; excess: string
}
export interface SpentView { by: string; period: Period; sentence: string; rows: SpentRow[]; dimensions: string[]; covered: string; note?: string; maths?: Maths }
export interface WhatIfRow {
  target: number; target_text: string; measured: string; left: number; left_text: string; pages: number; pages_per_week: string
  current: boolean; refused?: string; tone: Tone
}
export interface WhatIfView { period: Period; sentence: string; rows: WhatIfRow[]; note?: string }
export interface ReplayTier { name: string; when: string; action: string; times: number; per_week: string; longest: string; tone: Tone }
export interface ReplayFiring { tier: string; action: string; from: string; to: string; lasted: string; spent: string; incident?: string; late?: string }
export interface ReplayView {
  preset: string; period: Period; sentence: string; left_text: string; worst: string; tiers: ReplayTier[]; firings: ReplayFiring[]; missed: string[]
  detection?: Table; note?: string
}

export interface SourceView { name: string; tone: Tone; state: string; accepted: string; rejected: string; message?: string; blind?: string }
export interface StatusView {
  sentence: string; calm: boolean; tone: Tone; at: string; slos: number; burning: number; blind: number; open: number; waiting: number; closed: number; sources: SourceView[]
}

export interface Onset { at: string; earliest: string; latest: string }
export interface FindingRow {
  id: string; onset: Onset; why: string; seen: string; gone?: string; plan?: string
  what: string; moved: string; within: string; state: string; next: string; lately: string; tone: Tone
}
export interface TrendRow { service: string; metric: string; kind: string; reason: string; pace: string; ends: string; tone: Tone; query: string }
export interface PassedRow { onset: Onset; reason: string; why: string; what: string; moved: string }
export interface Findings { at: string; text: string; tone: Tone; findings: FindingRow[]; not_reported: PassedRow[]; trends: TrendRow[]; trend_text: string }
export interface FindingView extends FindingRow { beside: Fact[]; charts: ChartView[] }

export interface Asked { text: string; service: string; operation?: string; signal: string; facts: Fact[]; onset: Onset; baseline: Period; window: Period }
export interface ContrastRow { value: string; slow: string; typical: string; slow_share: number; typical_share: number; mean: string; more: boolean }
export interface Contrast { key: string; of: string; sentence: string; effect: string; explains: string; rows: ContrastRow[]; maths?: Maths }
export interface CallView {
  service: string; operation: string; depth: number; from: number; to: number; offset: string; duration: string; critical: string; own: number
  repeats?: string; failed?: boolean; bytes?: string
}
export interface RequestView { trace_id: string; kind: string; title: string; duration: string; spans: CallView[]; left?: string }
export interface TracePlace { place: string; typical: string; slow: string; delta: string; calls: string; bytes: string; tone: Tone }
export interface Traces { summary: string; scale: string; traces: RequestView[]; rows: TracePlace[] }
export interface ChangeView {
  id: string; line: string; kind: string; service: string; at: string; distance: string; lead_s: number; blamed: boolean; tone: Tone; word: string
  why: string; how: string; hints: string[]; link?: string
}
export interface RuledOut { kind: 'hypothesis' | 'change' | 'check'; what: string; because: string }
export interface Gap { part: string; title: string; why: string }
export interface DiagnosisView {
  schema: string; plan?: string; at: string; diagnosed_at?: string; title: string; verdict: string; verdict_word: string; tone: Tone; sentence: string
  detail?: string; meaning: string; question: Asked; check_text: string; checks: Check[]; hypothesis_text: string; hypotheses: Hypothesis[]
  waterfall?: Waterfall; contrasts: Contrast[]; flame?: Flame; traces?: Traces; changes: ChangeView[]; not_the_cause: RuledOut[]; charts: ChartView[]
  gaps: Gap[]; links: { app: string; html: string; markdown: string; json: string; ask: string; plan?: string }
}
export interface Working { state: 'running' | 'waiting' | 'none'; text: string; since?: string }
export interface OperationRow { service: string; operation: string; kind: number; count: number }

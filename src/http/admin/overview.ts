import type { AccountView } from '../../accounts/account-admin.ts'
import { version } from '../../core/version.ts'
import { viewStateOf } from '../../dialects/admin-accounts.ts'
import { encodeQuantiles, encodeSeries, parseSeriesQuery } from '../../dialects/admin-series.ts'
import { minuteMs } from '../../records/series.ts'
import type { AppServices } from '../app-services.ts'
import type { Readiness } from '../readiness.ts'
import type { RequestContext } from '../request-state.ts'

/** How things stand, in one sentence. Words are made of the key and the facts, by whoever shows it. */
export interface Verdict {
  readonly level: 'good' | 'warning' | 'bad'
  readonly sentence_key:
    | 'serving'
    | 'serving_some'
    | 'no_account'
    | 'none_usable'
    | 'part_down'
    | 'shutting_down'
  readonly facts: readonly Fact[]
}

type Fact = Readonly<Record<string, string | number | null>> & { readonly key: string }

type OverviewServices = Pick<
  AppServices,
  'accountAdmin' | 'readiness' | 'series' | 'clock' | 'usage' | 'replica'
>

export type ReadOverview = () => Promise<ReturnType<typeof encodeOverview>>

/** How things stand; looking changes nothing, and nobody is asked. */
export function createReadOverview(services: OverviewServices): ReadOverview {
  const { accountAdmin, readiness, series, clock } = services
  const startedMs = clock.now()

  const lately = (minutes: number) => {
    const nowMs = clock.now()
    const [step] = series?.read(nowMs - minutes * minuteMs, nowMs + 1, minutes * minuteMs).slice(-1) ?? []
    // Whole minutes, the one that runs included.
    const steps = series?.read(nowMs - minutes * minuteMs, nowMs + 1, minuteMs) ?? []
    const sum = (part: (each: (typeof steps)[number]) => number) =>
      steps.reduce((total, each) => total + part(each), 0)
    return {
      requests: sum(({ requests }) => requests),
      failed: sum(({ failed }) => [...failed.values()].reduce((total, count) => total + count, 0)),
      abandoned: sum(({ abandoned }) => abandoned),
      tokens_in: sum(({ tokensIn }) => tokensIn),
      tokens_out: sum(({ tokensOut }) => tokensOut),
      first_event_ms: encodeQuantiles(step?.firstEvent),
    }
  }

  return async () => {
    const [views, ready] = await Promise.all([accountAdmin.list(), readiness()])
    return encodeOverview({
      views,
      ready,
      replica: services.replica,
      uptimeMs: clock.now() - startedMs,
      lately: { last_5_minutes: lately(5), last_24_hours: lately(24 * 60) },
    })
  }
}

interface Overview {
  readonly views: readonly AccountView[]
  readonly ready: Readiness
  readonly replica: string | undefined
  readonly uptimeMs: number
  readonly lately: Readonly<Record<string, unknown>>
}

function encodeOverview({ views, ready, replica, uptimeMs, lately }: Overview) {
  const accounts: Record<string, number> = {}
  for (const view of views) accounts[viewStateOf(view)] = (accounts[viewStateOf(view)] ?? 0) + 1
  const { accounts: _labels, ...parts } = ready.parts
  return {
    object: 'overview',
    verdict: verdictOf(views, ready),
    version,
    replica: replica ?? null,
    uptime_s: Math.floor(uptimeMs / 1000),
    accounts: { all: views.length, ...accounts },
    parts,
    ...lately,
  }
}

/** Pure. */
export function verdictOf(views: readonly AccountView[], { parts }: Readiness): Verdict {
  const states = new Map<string, number>()
  for (const view of views) states.set(viewStateOf(view), (states.get(viewStateOf(view)) ?? 0) + 1)
  const usable = (states.get('usable') ?? 0) + (states.get('busy') ?? 0)
  const facts: Fact[] = [{ key: 'usable', count: usable, of: views.length }]
  for (const [state, count] of states)
    if (state !== 'usable' && state !== 'busy')
      facts.push({ key: state, count, until: soonest(views, state) })
  for (const [part, { ok, state }] of Object.entries(parts))
    if (!ok && part !== 'accounts') facts.push({ key: 'part', part, state: String(state) })
  const down = facts.some(({ key }) => key === 'part')
  if (parts.process?.ok === false) return { level: 'bad', sentence_key: 'shutting_down', facts }
  if (views.length === 0) return { level: 'bad', sentence_key: 'no_account', facts }
  if (usable === 0) return { level: 'bad', sentence_key: 'none_usable', facts }
  if (down) return { level: 'bad', sentence_key: 'part_down', facts }
  const all = usable === views.length - (states.get('paused') ?? 0)
  return { level: all ? 'good' : 'warning', sentence_key: all ? 'serving' : 'serving_some', facts }
}

function soonest(views: readonly AccountView[], state: string): string | null {
  const ends = views.flatMap((view) =>
    viewStateOf(view) === state && view.hold?.type === 'cooling' ? [view.hold.untilMs] : [],
  )
  return ends.length > 0 ? new Date(ends.reduce((one, other) => Math.min(one, other))).toISOString() : null
}

/** How things stand, and how they went. */
export function createOverviewHandlers(services: OverviewServices) {
  const readOverview = createReadOverview(services)
  const { series, clock, usage } = services
  return {
    read: readOverview,

    async overview(context: RequestContext): Promise<void> {
      context.body = await readOverview()
    },

    async series(context: RequestContext): Promise<void> {
      const range = parseSeriesQuery(context.query, clock.now())
      const { sinceMs, untilMs, stepMs, isHourly } = range
      const steps = isHourly
        ? { hours: await usage(sinceMs, untilMs) }
        : { minutes: series?.read(sinceMs, untilMs, stepMs) ?? [] }
      context.body = encodeSeries(range, steps)
    },
  }
}

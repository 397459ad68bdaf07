import { z } from 'zod'
import type { AccountView } from '../../accounts/account-admin.ts'
import { ServiceError } from '../../core/errors.ts'
import { encodeAccount } from '../../dialects/admin.ts'
import { viewStateOf } from '../../dialects/admin-accounts.ts'
import { encodeRequest } from '../../dialects/admin-requests.ts'
import { checkShape } from '../../dialects/check-shape.ts'
import type { AppServices } from '../app-services.ts'
import { clientOf } from '../limit-rate.ts'
import type { RequestContext } from '../request-state.ts'
import type { ReadOverview } from './overview.ts'

const topics = ['overview', 'account', 'request'] as const
type Topic = (typeof topics)[number]

const querySchema = z.strictObject({
  topics: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(topics)).min(1))
    .default([...topics]),
  /** For an `EventSource` that is made anew; one that reconnects by itself sends the header. */
  last_event_id: z.coerce.number().int().min(0).optional(),
})

/** Streams of one address at once. */
const maxStreams = 4
/** Events that one who comes back may have missed. */
const ringSize = 2000
/** One who reads no faster than this much waits for him is sent no more, and a snapshot when he has caught up. */
const maxWaitingBytes = 256 * 1024
const tickMs = 1000
const commentMs = 15_000
/** The accounts are read so seldom that it takes a hundredth of a core at most. */
const accountsCostFactor = 100

export interface EventsOptions {
  /** Default 1 s: how often what changes is looked at while somebody watches. */
  readonly tickMs?: number
}

interface Event {
  readonly id: number
  readonly topic: Topic
  readonly text: string
}

interface Reader {
  readonly topics: ReadonlySet<Topic>
  readonly context: RequestContext
  /** He was too slow, and has missed some. */
  isBehind: boolean
  lastWriteMs: number
}

type EventServices = Pick<AppServices, 'accountAdmin' | 'records' | 'isShuttingDown' | 'logger'>

/** What happens, as it happens: a stream of events. Costs nothing while nobody watches; ids count up, and one who comes back with
 *  the last that he saw is sent what he missed, or a `snapshot` event: then he must read all anew. */
export function createEventsHandler(
  { accountAdmin, records, isShuttingDown, logger }: EventServices,
  readOverview: ReadOverview,
  options: EventsOptions = {},
) {
  const readers = new Set<Reader>()
  const ring: Event[] = []
  // Ids of another process, and of an earlier one, lie far below or above: none of them is taken for one of ours.
  let lastId = Date.now() * 1000
  let timer: NodeJS.Timeout | undefined
  let stopListening: (() => void) | undefined
  let shownOverview = ''
  let shownAccounts: Map<string, Record<string, unknown>> | undefined
  let nextAccountsMs = 0

  function emit(topic: Topic, data: unknown): void {
    lastId += 1
    const event = { id: lastId, topic, text: textOf(lastId, topic, data) }
    ring.push(event)
    if (ring.length > ringSize) ring.shift()
    for (const reader of readers) if (reader.topics.has(topic)) send(reader, event.text)
  }

  function send(reader: Reader, text: string): void {
    const { res } = reader.context
    if (reader.isBehind) return
    if (res.writableLength > maxWaitingBytes) {
      reader.isBehind = true
      res.once('drain', () => {
        reader.isBehind = false
        send(reader, snapshotText(lastId))
      })
      return
    }
    reader.lastWriteMs = performance.now()
    res.write(text)
  }

  async function look(): Promise<void> {
    if (isShuttingDown()) {
      for (const { context } of readers) context.res.end()
      return
    }
    const now = performance.now()
    for (const reader of readers) if (now - reader.lastWriteMs > commentMs) send(reader, ': still here\n\n')
    try {
      await Promise.all([lookAtOverview(), now >= nextAccountsMs && lookAtAccounts()])
    } catch (error) {
      // Redis may be away for a while.
      logger.debug({ err: error }, 'the console could not be told how things stand')
    }
  }

  async function lookAtOverview(): Promise<void> {
    if (![...readers].some((reader) => reader.topics.has('overview'))) return
    const overview = await readOverview()
    const text = JSON.stringify({ ...overview, uptime_s: 0 })
    if (text === shownOverview) return
    shownOverview = text
    emit('overview', overview)
  }

  async function lookAtAccounts(): Promise<void> {
    if (![...readers].some((reader) => reader.topics.has('account'))) return
    const since = performance.now()
    const views = await accountAdmin.list()
    const shown = new Map(views.map((view) => [view.id, shownOf(view)]))
    if (shownAccounts) {
      for (const [id, fields] of shown) {
        const changed = changesOf(shownAccounts.get(id), fields)
        if (changed) emit('account', { id, ...changed })
      }
      for (const id of shownAccounts.keys()) if (!shown.has(id)) emit('account', { id, removed: true })
    }
    shownAccounts = shown
    nextAccountsMs = since + (performance.now() - since) * accountsCostFactor
  }

  function begin(): void {
    if (timer) return
    timer = setInterval(() => void look(), options.tickMs ?? tickMs).unref()
    stopListening = records?.onEnded((record) => {
      if ([...readers].some((reader) => reader.topics.has('request')))
        emit('request', { type: 'ended', ...encodeRequest(record) })
    })
    void look()
  }

  function end(): void {
    clearInterval(timer)
    timer = undefined
    stopListening?.()
    // What changes while nobody looks is told by no event: who comes back reads all anew.
    ring.length = 0
    shownOverview = ''
    shownAccounts = undefined
    nextAccountsMs = 0
  }

  return async function events(context: RequestContext): Promise<void> {
    const { topics: wanted, last_event_id } = checkShape(querySchema, { ...context.query })
    const address = clientOf(context.state.clientAddress)
    const same = [...readers].filter((each) => clientOf(each.context.state.clientAddress) === address)
    if (same.length >= maxStreams)
      throw new ServiceError('rate_limit_exceeded', { message: tooManyStreams, retryAfterMs: 5000 })
    const reader = { topics: new Set(wanted), context, isBehind: false, lastWriteMs: performance.now() }
    const { res } = context
    context.respond = false
    // It may be silent for long, and its reader slow: neither is a fault.
    res.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    })
    const seen = Number(context.get('last-event-id') || (last_event_id ?? Number.NaN))
    res.write('retry: 3000\n\n')
    catchUp(reader, seen)
    readers.add(reader)
    begin()
    const { promise, resolve } = Promise.withResolvers<void>()
    res.once('close', resolve)
    context.state.signal.addEventListener('abort', () => res.end(), { once: true })
    await promise
    readers.delete(reader)
    if (readers.size === 0) end()
  }

  function catchUp(reader: Reader, seen: number): void {
    const at = ring.findIndex(({ id }) => id === seen)
    if (at < 0) return send(reader, snapshotText(lastId))
    for (const { topic, text } of ring.slice(at + 1)) if (reader.topics.has(topic)) send(reader, text)
  }
}

const tooManyStreams = 'Four streams of events are open from this address already: close one.'

const textOf = (id: number, topic: string, data: unknown): string =>
  `id: ${id}\nevent: ${topic}\ndata: ${JSON.stringify(data)}\n\n`

/** Its reader has missed what was before, and reads all anew. */
const snapshotText = (id: number): string => textOf(id, 'snapshot', {})

const shownOf = (view: AccountView): Record<string, unknown> => ({
  ...encodeAccount(view),
  doing: viewStateOf(view),
})

/** The fields that are others now. */
function changesOf(
  before: Readonly<Record<string, unknown>> | undefined,
  now: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  if (!before) return now
  const changed = Object.entries(now).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  )
  for (const name of Object.keys(before)) if (!(name in now)) changed.push([name, null])
  return changed.length > 0 ? Object.fromEntries(changed) : undefined
}

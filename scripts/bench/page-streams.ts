// A process of its own for the suite page: both transports of a checkout against one site over HTTP/2, with a real Chromium.
// Usage: node page-streams.ts CHECKOUT; prints PageStreams as JSON.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type * as browserModule from '../../src/browser/create-token-source.ts'
import type * as accountModule from '../../src/core/account.ts'
import type * as clockModule from '../../src/core/clock.ts'
import type * as metricsModule from '../../src/core/metrics.ts'
import type { OpenReply, Reply, ReplyRequest } from '../../src/core/open-reply.ts'
import type * as chooseModule from '../../src/upstream/choose-transport.ts'
import type * as directModule from '../../src/upstream/direct-transport.ts'
import { selfSignedSpkiHash, trustSelfSigned } from '../../test/support/self-signed.ts'
import { median, quantile } from '../lib/statistics.ts'
import { cpuMsOf, rssMbOf } from './measure-process.ts'

export interface PageStreams {
  /** From the request to its first event, one at a time: what the page adds to the direct way. */
  readonly firstAddedP50Ms: number
  readonly firstAddedP99Ms: number
  /** What `auto` adds to the direct way where that passes; asked in turns, so that both see the same machine. */
  readonly autoAddedP50Ms: number
  readonly autoAddedP99Ms: number
  /** From the site's write of an event to its arrival, 100 streams at 20 events a second. */
  readonly delayAddedP50Ms: number
  readonly delayAddedP99Ms: number
  /** Of Node and Chromium together, over what the direct way takes. */
  readonly addedCores: number
  /** What Chromium's processes take after 1,000 streams more than after the first 200. */
  readonly grownMb: number
}

type Open = (request: ReplyRequest) => Promise<Reply | undefined>

const [, , checkout = '.'] = process.argv
const load = <T>(path: string): Promise<T> => import(join(checkout, 'src', path))
const { createBrowser } = await load<typeof browserModule>('browser/create-token-source.ts')
const { createAccount } = await load<typeof accountModule>('core/account.ts')
const { systemClock } = await load<typeof clockModule>('core/clock.ts')
const { createMetrics } = await load<typeof metricsModule>('core/metrics.ts')
const { createTransport } = await load<typeof chooseModule>('upstream/choose-transport.ts')
const { createDirectTransport } = await load<typeof directModule>('upstream/direct-transport.ts')

trustSelfSigned()
const site = spawn(process.execPath, [join(import.meta.dirname, 'page-site.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const baseUrl = `https://localhost:${String((await once(site.stdout, 'data'))[0]).trim()}`
let chromium = 0
const quiet = () => {}
const { tokens, pages } = createBrowser({
  recaptchaMode: 'embedded',
  transport: 'browser',
  baseUrl,
  tokenPrefetch: 0,
  tokenMaxAgeMs: 90_000,
  browserMaxPages: 4,
  clock: systemClock,
  random: Math.random,
  logger: {
    ...{ debug: quiet, warn: quiet, error: quiet },
    info({ pid }) {
      if (typeof pid === 'number') chromium = pid
    },
  },
  metrics: createMetrics(),
  browserArguments: [`--ignore-certificate-errors-spki-list=${selfSignedSpkiHash}`],
  limits: { openMs: 60_000 },
})
const direct = createDirectTransport()
const account = createAccount('session_id=bench')

try {
  if (!pages) throw new Error('no pages')
  const ways = { direct: direct.openReply satisfies OpenReply, page: pages.openReply }
  const auto = createTransport(
    {
      ...{ transport: 'auto', baseUrl, openByPage: pages.openReply, clock: systemClock },
      logger: { info: quiet, warn: quiet },
    },
    direct.openReply,
  )
  const turns = await firstsInTurns(ways.direct, auto.openReply)
  auto.close()
  const one = { direct: await firsts(ways.direct), page: await firsts(ways.page) }
  const many = { direct: await paced(ways.direct), page: await paced(ways.page) }
  const streams: PageStreams = {
    firstAddedP50Ms: median(one.page) - median(one.direct),
    firstAddedP99Ms: quantile(one.page, 0.99) - quantile(one.direct, 0.99),
    autoAddedP50Ms: median(turns.other) - median(turns.one),
    autoAddedP99Ms: quantile(turns.other, 0.99) - quantile(turns.one, 0.99),
    delayAddedP50Ms: median(many.page.delaysMs) - median(many.direct.delaysMs),
    delayAddedP99Ms: quantile(many.page.delaysMs, 0.99) - quantile(many.direct.delaysMs, 0.99),
    addedCores: many.page.cores - many.direct.cores,
    grownMb: await growth(ways.page),
  }
  console.log(JSON.stringify(streams))
} finally {
  await tokens.close()
  direct.close()
  site.kill()
}

async function growth(open: Open): Promise<number> {
  await inTurns(open, 200)
  const before = await rssMbOf(chromium)
  await inTurns(open, 1000)
  return (await rssMbOf(chromium)) - before
}

/** Twenty at once. */
async function inTurns(open: Open, count: number): Promise<void> {
  for (let done = 0; done < count; done += 20)
    await Promise.all(Array.from({ length: 20 }, () => ask(open, 1000, 10)))
}

async function firsts(open: Open): Promise<number[]> {
  for (let count = 0; count < 20; count += 1) await ask(open, 1000, 1)
  const all: number[] = []
  for (let count = 0; count < 200; count += 1) all.push((await ask(open, 1000, 1)).firstMs)
  return all
}

async function firstsInTurns(oneWay: Open, otherWay: Open): Promise<{ one: number[]; other: number[] }> {
  const one: number[] = []
  const other: number[] = []
  for (let count = 0; count < 420; count += 1) {
    const own = (await ask(oneWay, 1000, 1)).firstMs
    const others = (await ask(otherWay, 1000, 1)).firstMs
    if (count < 20) continue
    one.push(own)
    other.push(others)
  }
  return { one, other }
}

async function paced(open: Open): Promise<{ delaysMs: number[]; cores: number }> {
  const before = await cpuMs()
  const startedMs = performance.now()
  const streams = await Promise.all(Array.from({ length: 100 }, () => ask(open, 20, 200)))
  const cores = ((await cpuMs()) - before) / (performance.now() - startedMs)
  return { delaysMs: streams.flatMap(({ delaysMs }) => delaysMs), cores }
}

/** Of this process and Chromium, without the site. */
async function cpuMs(): Promise<number> {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000 + (chromium === 0 ? 0 : await cpuMsOf(chromium))
}

/** Asks once. @throws when an event is lost or out of order */
async function ask(
  open: Open,
  rate: number,
  count: number,
): Promise<{ firstMs: number; delaysMs: number[] }> {
  const startedMs = performance.now()
  const reply = await open({
    account,
    method: 'POST',
    url: new URL(`/api/agent/ask_proxy?rate=${rate}&count=${count}`, baseUrl),
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: '{}',
    signal: new AbortController().signal,
  })
  const delaysMs: number[] = []
  let firstMs = 0
  let text = ''
  for (let bytes = await reply?.read(); bytes; bytes = await reply?.read()) {
    if (firstMs === 0) firstMs = performance.now() - startedMs
    const nowMs = performance.timeOrigin + performance.now()
    const events = (text + Buffer.from(bytes).toString()).split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) {
      const { index, atMs } = JSON.parse(event.slice('data: '.length)) as { index: number; atMs: number }
      if (index !== delaysMs.length) throw new Error(`event ${index} in the place of ${delaysMs.length}`)
      delaysMs.push(nowMs - atMs)
    }
  }
  if (delaysMs.length !== count) throw new Error(`${delaysMs.length} of ${count} events`)
  return { firstMs, delaysMs }
}

// The load generator's process: takes jobs from its parent, asks over plain sockets, tells what came.

import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from '../lib/statistics.ts'
import { tokenMark } from './answer-plan.ts'
import { type LoadJob, type LoadResult, type Spread, serial } from './load.ts'
import { createMessageReader } from './read-http.ts'

interface Answer {
  readonly latencyMs: number
  readonly firstTokenMs: number
  readonly failure?: string
}

interface Connection {
  ask(): Promise<Answer>
  destroy(): void
}

const mark = tokenMark.charCodeAt(0)
const answerTimeoutMs = 120_000
let serials = 0

process.on('message', async (job: LoadJob) => {
  process.send?.(await run(job))
})
process.once('disconnect', () => process.exit(0))

async function run(job: LoadJob): Promise<LoadResult> {
  const gaps: number[] = []
  const answers: Answer[] = []
  const startedMs = performance.now()
  let leftNs: string | undefined
  if (job.leaveAfter !== undefined) leftNs = await leaveTogether(job, job.leaveAfter)
  else if (job.streams !== undefined) await openLoop(job, answers, gaps)
  else await closedLoop(job, answers, gaps)
  const elapsedMs = performance.now() - startedMs
  const failed = answers.filter(({ failure }) => failure !== undefined)
  const whole = answers.filter(({ failure }) => failure === undefined)
  return {
    answers: whole.length,
    failures: failed.length,
    ...(failed[0]?.failure === undefined ? {} : { firstFailure: failed[0].failure }),
    elapsedMs,
    latencyMs: spread(whole.map(({ latencyMs }) => latencyMs)),
    firstTokenMs: spread(whole.map(({ firstTokenMs }) => firstTokenMs)),
    gapMs: spread(gaps),
    ...(leftNs === undefined ? {} : { leftNs }),
  }
}

async function closedLoop(job: LoadJob, answers: Answer[], gaps: number[]): Promise<void> {
  const { connections = 1, requests = Number.POSITIVE_INFINITY, durationMs = Number.POSITIVE_INFINITY } = job
  const endMs = performance.now() + durationMs
  let asked = 0
  await Promise.all(
    Array.from({ length: Math.min(connections, requests) }, async () => {
      let connection = open(job, gaps)
      while (asked < requests && performance.now() < endMs) {
        asked += 1
        const answer = await connection.ask()
        answers.push(answer)
        if (answer.failure === undefined) continue
        connection.destroy()
        connection = open(job, gaps)
      }
      connection.destroy()
    }),
  )
}

async function openLoop(job: LoadJob, answers: Answer[], gaps: number[]): Promise<void> {
  const { streams = 1, overMs = 0 } = job
  const startedMs = performance.now()
  const running: Promise<void>[] = []
  for (let index = 0; index < streams; index += 1) {
    const waitMs = startedMs + (index * overMs) / streams - performance.now()
    if (waitMs > 1) await sleep(waitMs)
    const connection = open(job, gaps)
    running.push(
      connection.ask().then((answer) => {
        answers.push(answer)
        connection.destroy()
      }),
    )
  }
  await Promise.all(running)
}

/** @returns when they left */
async function leaveTogether(job: LoadJob, leaveAfter: number): Promise<string> {
  const ready = Array.from({ length: job.connections ?? 1 }, () => {
    const { promise, resolve } = Promise.withResolvers<Connection>()
    const connection = open(job, [], (tokens) => {
      if (tokens >= leaveAfter) resolve(connection)
    })
    connection.ask().catch(() => {})
    return promise
  })
  const connections = await Promise.all(ready)
  const leftNs = String(process.hrtime.bigint())
  for (const connection of connections) connection.destroy()
  return leftNs
}

function open(job: LoadJob, gaps: number[], onTokens?: (tokens: number) => void): Connection {
  const { hostname, port, pathname } = new URL(job.url)
  const headers = {
    host: `${hostname}:${port}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(job.body)),
    ...job.headers,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`
  const parts = job.body.split(serial)

  let settle: ((failure?: string) => void) | undefined
  let askedMs = 0
  let firstMs = 0
  let lastMs = 0
  let tokens = 0
  let status = ''
  let tail = ''
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true })
  const read = createMessageReader({
    head: (text) => {
      status = text.slice(9, 12)
    },
    body: (piece) => {
      const found = count(piece)
      if (status !== '200' || found === 0) tail = piece.subarray(-300).toString('latin1')
      if (found === 0) return
      const nowMs = performance.now()
      if (tokens === 0) firstMs = nowMs
      else gaps.push(nowMs - lastMs)
      lastMs = nowMs
      tokens += found
      onTokens?.(tokens)
    },
    end: () => {
      if (status === '200' && tokens === job.tokens) settle?.()
      else settle?.(`status ${status}, ${tokens} of ${job.tokens} tokens: ${tail}`)
    },
  })
  socket.on('data', read)
  socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error('no byte for too long')))
  socket.on('error', (error) => settle?.(`${error.message}, after ${tokens} tokens`))
  socket.on('close', () => settle?.(`the connection ended after ${tokens} tokens`))

  return {
    ask: () =>
      new Promise((resolve) => {
        tokens = 0
        status = ''
        askedMs = performance.now()
        settle = (failure) => {
          settle = undefined
          const latencyMs = performance.now() - askedMs
          const answer = { latencyMs, firstTokenMs: firstMs - askedMs }
          resolve(failure === undefined ? answer : { ...answer, failure })
        }
        socket.write(head + parts.join(nextSerial()))
      }),
    destroy: () => void socket.destroy(),
  }
}

/** As long as the word it stands for, so that the length of the body stays. */
function nextSerial(): string {
  serials += 1
  return String(serials).padStart(serial.length, '0')
}

function count(piece: Buffer): number {
  let found = 0
  for (let at = piece.indexOf(mark); at >= 0; at = piece.indexOf(mark, at + 1)) found += 1
  return found
}

function spread(samples: readonly number[]): Spread {
  const sorted = Float64Array.from(samples).sort()
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99) }
}

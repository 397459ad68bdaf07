import { setTimeout as delay } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import type { AskRecord } from '../../test/emulator/ask-record.ts'
import type { Scenario } from '../../test/emulator/scenario.ts'

// Requests whose answers are known beforehand, so that each can be accounted for: whole, a typed error, or a fault.

const dialects = ['chat', 'responses', 'messages'] as const
type Dialect = (typeof dialects)[number]

export type Outcome =
  | { readonly type: 'whole' }
  /** Its code, and whether it came in the middle of a stream. */
  | { readonly type: 'error'; readonly code: string; readonly inBand: boolean }
  /** This client left by itself. */
  | { readonly type: 'left' }
  /** The connection broke without a word, or none could be made; `begun`: after the status had come. */
  | { readonly type: 'severed'; readonly reason: string; readonly begun: boolean }
  /** What no client may see. */
  | { readonly type: 'fault'; readonly text: string }

export interface LoadRequest {
  readonly id: string
  readonly dialect: Dialect
  readonly stream: boolean
  readonly words: number
  /** The client leaves after so many milliseconds. */
  readonly leavesAfterMs?: number | undefined
}

export function createRequests(random: () => number, { leaving = 0.05, words = 30 } = {}) {
  let count = 0
  return (): LoadRequest => {
    count += 1
    return {
      id: `r${count}x`,
      dialect: dialects[Math.floor(random() * dialects.length)] as Dialect,
      stream: random() < 0.7,
      words: 1 + Math.floor(random() * words),
      leavesAfterMs: random() < leaving ? Math.floor(random() * 600) : undefined,
    }
  }
}

const promptOf = ({ id, words }: LoadRequest) => `${id} ${words} words, please`
const wordsOf = (id: string, count: number) => Array.from({ length: count }, (_, index) => `${id}.${index} `)

/** How the mock of the site answers a request of this load. */
export function answerOf({ prompt }: AskRecord, chunkDelayMs = 30): Scenario {
  const [, id = '', count] = /(r\d+x) (\d+) words/.exec(prompt) ?? []
  return { type: 'answer', chunks: wordsOf(id, Number(count ?? 1)), chunkDelayMs }
}

const paths = { chat: '/v1/chat/completions', responses: '/v1/responses', messages: '/v1/messages' }

export interface SendOptions {
  /** No answer may take longer. Default 120 s. */
  readonly hangMs?: number
  readonly key?: string
}

/** Sends one and judges what comes. Never throws. */
export async function send(url: string, request: LoadRequest, options: SendOptions = {}): Promise<Outcome> {
  const { hangMs = 120_000, key = 'none' } = options
  const left = request.leavesAfterMs === undefined ? undefined : AbortSignal.timeout(request.leavesAfterMs)
  const hang = AbortSignal.timeout(hangMs)
  const message = { role: 'user', content: promptOf(request) }
  const input = request.dialect === 'responses' ? { input: [message] } : { messages: [message] }
  let begun = false
  try {
    const response = await fetch(url + paths[request.dialect], {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'gpt-5.4', max_tokens: 100_000, stream: request.stream, ...input }),
      signal: left ? AbortSignal.any([left, hang]) : hang,
    })
    begun = true
    if (response.status !== 200) return judgeError(response.status, await response.text())
    return request.stream ? await judgeStream(request, response) : judgeWhole(request, await response.text())
  } catch (error) {
    if (left?.aborted) return { type: 'left' }
    if (hang.aborted) return { type: 'fault', text: `no end within ${hangMs / 1000} s` }
    const cause = error instanceof Error ? (error.cause ?? error) : error
    return { type: 'severed', reason: cause instanceof Error ? cause.message : String(cause), begun }
  }
}

function judgeError(status: number, text: string): Outcome {
  const error = (parse(text) as { error?: { type?: unknown; code?: unknown; message?: unknown } } | undefined)
    ?.error
  if (typeof error?.type !== 'string' || typeof error.message !== 'string')
    return { type: 'fault', text: `status ${status} in another shape: ${text.slice(0, 200)}` }
  return typed(typeof error.code === 'string' ? error.code : error.type, false)
}

/** 500 is a bug of ours, whatever it is about. */
function typed(code: string, inBand: boolean): Outcome {
  return code === 'internal_error'
    ? { type: 'fault', text: 'an internal error' }
    : { type: 'error', code, inBand }
}

/** What is read of answers and events, of whichever dialect. */
interface Loose {
  readonly type?: string
  readonly status?: string
  readonly stop_reason?: string | null
  readonly text?: string
  readonly error?: { readonly code?: string; readonly type?: string } | null
  readonly response?: Loose
  readonly message?: { readonly content?: string | null }
  readonly delta?: Loose | string
  readonly finish_reason?: string | null
  readonly choices?: readonly Loose[]
  readonly output?: readonly { readonly content?: readonly Loose[] }[]
  readonly content?: readonly Loose[] | string
}

const textOf = (parts: Loose['content']): string =>
  typeof parts === 'string' ? parts : (parts ?? []).map(({ text = '' }) => text).join('')

interface Reading {
  text: string
  /** The answer says that it came to its natural end. */
  finished: boolean
  /** The end mark of the stream came. */
  done: boolean
  error?: string | undefined
}

function judgeWhole(request: LoadRequest, body: string): Outcome {
  const answer = parse(body) as Record<string, unknown> | undefined
  if (!answer) return { type: 'fault', text: `status 200 without JSON: ${body.slice(0, 200)}` }
  return judge(request, { ...readWhole[request.dialect](answer), done: true })
}

const readWhole: Readonly<Record<Dialect, (answer: Loose) => Pick<Reading, 'text' | 'finished'>>> = {
  chat: ({ choices }) => ({
    text: choices?.[0]?.message?.content ?? '',
    finished: choices?.[0]?.finish_reason === 'stop',
  }),
  responses: ({ output, status }) => ({
    text: (output ?? []).map(({ content }) => textOf(content)).join(''),
    finished: status === 'completed',
  }),
  messages: ({ content, stop_reason }) => ({
    text: textOf(content),
    finished: stop_reason === 'end_turn',
  }),
}

async function judgeStream(request: LoadRequest, response: Response): Promise<Outcome> {
  const reading: Reading = { text: '', finished: false, done: false }
  const parser = createParser({
    onEvent({ data }) {
      if (data === '[DONE]') reading.done = true
      else readEvent(reading, parse(data) as Loose | undefined)
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of response.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }))
  return judge(request, reading)
}

/** An event of whichever dialect. */
function readEvent(reading: Reading, event: Loose = {}): void {
  const failure = event.error ?? event.response?.error
  if (failure) reading.error = failure.code ?? failure.type ?? 'unknown'
  const [choice] = event.choices ?? []
  const delta = choice?.delta ?? event.delta
  if (event.type === 'response.output_text.delta' && typeof delta === 'string') reading.text += delta
  if (typeof delta === 'object') reading.text += textOf(delta.content) + (delta.text ?? '')
  if (choice?.finish_reason === 'stop') reading.finished = true
  if (typeof delta === 'object' && delta.stop_reason === 'end_turn') reading.finished = true
  if (event.type === 'message_stop') reading.done = true
  if (event.type === 'response.completed') reading.finished = reading.done = true
}

function judge({ id, words }: LoadRequest, { text, finished, done, error }: Reading): Outcome {
  const expected = wordsOf(id, words).join('')
  const isWhole = text === expected || text === expected.trimEnd()
  if (error !== undefined) {
    if (done) return { type: 'fault', text: `an error (${error}) and an end mark in one stream` }
    return expected.startsWith(text)
      ? typed(error, true)
      : { type: 'fault', text: `other text before an error: ${JSON.stringify(text.slice(0, 200))}` }
  }
  if (isWhole && finished && done) return { type: 'whole' }
  if (finished || done)
    return { type: 'fault', text: `not whole, but said to be: ${JSON.stringify(text.slice(-200))}` }
  return { type: 'severed', reason: 'the stream ended without an end mark', begun: true }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export interface Account {
  readonly counts: ReadonlyMap<string, number>
  add(outcome: Outcome): void
}

/** Counts outcomes by what is told of them. */
export function createAccount(): Account {
  const counts = new Map<string, number>()
  return {
    counts,
    add(outcome) {
      const name =
        outcome.type === 'error' ? `error ${outcome.code}${outcome.inBand ? ' (in band)' : ''}` : outcome.type
      counts.set(name, (counts.get(name) ?? 0) + 1)
    },
  }
}

/** Loops of clients, each sending one request after the other until the signal. Resolves when all have their answer. */
export async function runClients(
  count: number,
  signal: AbortSignal,
  once: () => Promise<void>,
  pauseMs: () => number,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (!signal.aborted) {
        await once()
        await delay(pauseMs(), undefined, { signal }).catch(() => {})
      }
    }),
  )
}

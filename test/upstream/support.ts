import { readFile } from 'node:fs/promises'
import { createAccount } from '../../src/core/account.ts'
import type { ChatEvent } from '../../src/core/chat-event.ts'
import type { ChatModel, ChatPrompt } from '../../src/core/chat-request.ts'
import { UpstreamError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { createUpstream, type UpstreamOptions } from '../../src/upstream/client.ts'
import type { AskInput, Upstream } from '../../src/upstream/upstream.ts'

export const account = createAccount('session_id=alice')

export function manualClock(nowMs = 1_790_000_000_000) {
  return {
    nowMs,
    now() {
      return this.nowMs
    },
  }
}

export function createTestUpstream(baseUrl: string, options: Partial<UpstreamOptions> = {}) {
  const metrics = createMetrics()
  const upstream = createUpstream({
    baseUrl,
    protocol: 'auto',
    firstEventTimeoutMs: 20_000,
    idleTimeoutMs: 20_000,
    totalTimeoutMs: 60_000,
    mediaTimeoutMs: 20_000,
    pollIntervalMs: 20,
    clock: manualClock(),
    metrics,
    logger: silentLogger,
    // The test's own storage passes for a public one.
    isPublic: (address) => address === '127.0.0.2',
    ...options,
  })
  return Object.assign(upstream, { metrics })
}

export function chatRequest(model: Partial<ChatModel> = {}, text = 'Hello'): ChatPrompt {
  return {
    model: {
      id: 'claude-sonnet-5',
      upstreamIds: { copilot: ['claude-sonnet-4-5'], agent: ['claude-sonnet-5'] },
      mixture: false,
      search: false,
      ...model,
    },
    messages: [{ role: 'user', parts: [{ type: 'text', text }] }],
  }
}

export interface Outcome {
  readonly events: readonly ChatEvent[]
  readonly batches: number
  readonly error: unknown
}

/** Asks and reads to the end, whatever it is. */
export async function askWhole(upstream: Upstream, input: Partial<AskInput> = {}): Promise<Outcome> {
  const events: ChatEvent[] = []
  let batches = 0
  try {
    for await (const batch of upstream.ask(askInput(input))) {
      events.push(...batch)
      batches += 1
    }
    return { events, batches, error: undefined }
  } catch (error) {
    return { events, batches, error }
  }
}

export function askInput(input: Partial<AskInput> = {}): AskInput {
  return {
    generation: 'agent',
    account,
    request: chatRequest(),
    signal: new AbortController().signal,
    ...input,
  }
}

export const textOf = ({ events }: Pick<Outcome, 'events'>): string =>
  events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')

export const reasoningOf = ({ events }: Pick<Outcome, 'events'>): string =>
  events.map((event) => (event.type === 'reasoning-delta' ? event.text : '')).join('')

export const kindOf = ({ error }: Pick<Outcome, 'error'>): string | undefined =>
  error instanceof UpstreamError ? error.kind : error === undefined ? undefined : String(error)

export const fixture = (name: string): Promise<string> =>
  readFile(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')

/** The text of the fixtures that are a plain answer. */
export const fixtureText = 'Grüße aus 東京! 👋🏽 Done.'

import { afterEach, describe, expect, it } from 'vitest'
import { repeated } from '../emulator/scenario.ts'
import { readyz, type Stack, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user', content: 'Hello' }] }

let stack: Stack
afterEach(async () => {
  await stack.expectNothingLeft()
  await expect.poll(() => stack.logs.some((line) => line.status === 499)).toBe(true)
  expect((await readyz(stack.url)).accounts).toMatchObject({ signed_out: [], cooling: [] })
  await stack.stop()
})

describe('C2: a client that leaves frees its account and closes the upstream request', () => {
  it.each([true, false])('in the middle of an answer (stream: %s)', async (stream) => {
    stack = await startStack()
    stack.emulator.answerWith({
      type: 'answer',
      chunks: repeated('word ', Number.POSITIVE_INFINITY),
      chunkDelayMs: 5,
    })
    const client = new AbortController()
    const request = post(stream, client.signal)
    request.catch(() => {})
    if (stream) await (await request).body?.getReader().read()
    else await expect.poll(() => stack.emulator.asks[0]?.bytesSent ?? 0).toBeGreaterThan(2000)
    client.abort()
    await stack.emulator.until(() => stack.emulator.asks[0]?.ended === 'client-closed')
    if (!stream) await expect(request).rejects.toThrow()
  })

  it('while it waits for a free account', async () => {
    stack = await startStack({ env: { ACCOUNT_MAX_CONCURRENCY: '1' } })
    stack.emulator.answerWith({
      type: 'answer',
      chunks: repeated('word ', Number.POSITIVE_INFINITY),
      chunkDelayMs: 5,
    })
    const holder = new AbortController()
    const held = await post(true, holder.signal)
    await held.body?.getReader().read()
    const waiting = new AbortController()
    const queued = post(true, waiting.signal).catch((error: unknown) => error)
    const inFlight = async () => (await stack.metrics.requestsInFlight.get()).values[0]?.value
    await expect.poll(inFlight).toBe(2)
    waiting.abort()
    await expect.poll(inFlight).toBe(1)
    await queued
    expect(stack.emulator.asks.length).toBe(1)
    holder.abort()
  })

  it('while its token is made', async () => {
    stack = await startStack({ env: { TOKEN_PREFETCH: '0' } })
    stack.emulator.recaptcha.behaviour.mintDelayMs = 60_000
    const client = new AbortController()
    const request = post(true, client.signal).catch((error: unknown) => error)
    await expect.poll(async () => (await readyz(stack.url)).accounts.in_flight).toBe(1)
    client.abort()
    await request
    await expect.poll(async () => (await readyz(stack.url)).accounts.in_flight).toBe(0)
    expect(stack.emulator.asks.length).toBe(0)
  })
})

function post(stream: boolean, signal: AbortSignal): Promise<Response> {
  return fetch(`${stack.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream }),
    signal,
  })
}

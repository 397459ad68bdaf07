// What CASES asks of every chat, of those that only the page can ask: the site challenges every client that is no browser, over TLS
// with HTTP/2.

import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { processTree, survivors } from '../browser/support.ts'
import { gated } from '../support/gated.ts'
import { chat, endless, post, start } from '../support/page-stack.ts'
import { readEvents } from '../support/read-events.ts'
import { trustSelfSigned } from '../support/self-signed.ts'
import { readyz, type Stack } from '../support/stack.ts'

// Real browsers on a busy machine: the limit only catches a hang.
vi.setConfig({ testTimeout: 120_000 })
beforeAll(trustSelfSigned)

/** A stream that has begun and stands still until the gate opens. @returns what reads it to its end */
async function beginStream(stack: Stack, gate: Promise<unknown>): Promise<() => Promise<string>> {
  stack.emulator.answerWith({ type: 'answer', chunks: gated(gate) })
  const response = await post(stack.url, true)
  stack.emulator.answerWith(undefined)
  return async () => {
    const { events, done } = await readEvents(response)
    expect(done).toBe(true)
    return events.map((event) => event.choices?.[0]?.delta.content ?? '').join('')
  }
}

const browserPid = ({ logs }: Stack): number =>
  Number(logs.findLast(({ msg }) => msg === 'Chromium is running')?.pid)

const launches = ({ logs }: Stack): number => logs.filter(({ msg }) => msg === 'Chromium is running').length

const mintsBegun = ({ emulator }: Stack): number =>
  emulator.recaptcha.requests.filter(({ path }) => path === '/recaptcha/mint').length

/** Chats that wait for their tokens. */
async function beginMints(stack: Stack, count: number): Promise<Promise<string>[]> {
  const before = mintsBegun(stack)
  stack.emulator.recaptcha.behaviour.mintDelayMs = 8_000
  const chats = Array.from({ length: count }, () => chat(stack))
  for (const each of chats) each.catch(() => {})
  await vi.waitFor(() => expect(mintsBegun(stack)).toBeGreaterThanOrEqual(before + count), {
    timeout: 60_000,
  })
  stack.emulator.recaptcha.behaviour.mintDelayMs = 0
  return chats
}

describe('tokens, where the page asks', () => {
  it('D1: kill -9 of every renderer during a mint is not seen by the client', async () => {
    const stack = await start()
    expect(await chat(stack)).toContain('token accepted')
    const [waiting] = await beginMints(stack, 1)
    const renderers = processTree(browserPid(stack)).filter(({ command }) =>
      command.includes('--type=renderer'),
    )
    for (const { pid } of renderers) process.kill(pid, 'SIGKILL')
    expect(await waiting).toContain('token accepted')
    expect(launches(stack)).toBe(1)
    await stack.expectNothingLeft()
  })

  it('D2: kill -9 of the browser with ten mints waiting: all ten are answered, nothing is left of it', async () => {
    const stack = await start()
    expect(await chat(stack)).toContain('token accepted')
    const waiting = await beginMints(stack, 10)
    const killed = processTree(browserPid(stack))
    process.kill(browserPid(stack), 'SIGKILL')
    for (const answer of await Promise.all(waiting)) expect(answer).toContain('token accepted')
    expect(launches(stack)).toBe(2)
    await expect.poll(() => survivors(killed), { timeout: 30_000 }).toEqual([])
    await stack.expectNothingLeft()
  })

  it('D3: a page that loops for ever in execute meets its deadline; the streams of its account go on', async () => {
    const stack = await start()
    const gate = Promise.withResolvers<void>()
    const streams = [await beginStream(stack, gate.promise), await beginStream(stack, gate.promise)]
    stack.emulator.recaptcha.behaviour.execute = 'loop'
    await expect(chat(stack)).rejects.toMatchObject({ status: 503, code: 'token_unavailable' })
    stack.emulator.recaptcha.behaviour.execute = 'ok'
    expect(await chat(stack)).toContain('token accepted')
    gate.resolve()
    expect(await Promise.all(streams.map((read) => read()))).toEqual(['before after', 'before after'])
    expect(launches(stack)).toBe(1)
    await stack.expectNothingLeft()
  })

  it('D4: a browser that is frozen under ten mints is killed and launched anew', async () => {
    const stack = await start()
    expect(await chat(stack)).toContain('token accepted')
    const frozen = processTree(browserPid(stack))
    process.kill(browserPid(stack), 'SIGSTOP')
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => chat(stack)))
    // On a machine that is slow enough a deadline comes first: typed then.
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ status: 503 })
    expect(await chat(stack)).toContain('token accepted')
    expect(launches(stack)).toBe(2)
    await expect.poll(() => survivors(frozen), { timeout: 30_000 }).toEqual([])
    await stack.expectNothingLeft()
  })

  it.each([
    ['the script is blocked', { pageScript: 'blocked' }],
    ['there is no grecaptcha', { grecaptcha: 'never' }],
    ['the key is refused', { keyRefused: true }],
    ['the token is empty', { execute: 'empty' }],
  ] as const)(
    'D5: %s: 503 token_unavailable; with TOKEN_REQUIRED=false asked without, and counted',
    async (_name, fault) => {
      // Both at once: most of the time is that in which the page may still add what is missing.
      const strict = async () => {
        const stack = await start()
        Object.assign(stack.emulator.recaptcha.behaviour, fault)
        await expect(chat(stack)).rejects.toMatchObject({ status: 503, code: 'token_unavailable' })
        expect(stack.emulator.asks).toEqual([])
      }
      const lenient = async () => {
        const stack = await start({ env: { TOKEN_REQUIRED: 'false' } })
        Object.assign(stack.emulator.recaptcha.behaviour, fault)
        expect(await chat(stack)).toContain('weaker model')
        expect((await stack.metrics.tokenlessAsks.get()).values[0]?.value).toBe(1)
      }
      await Promise.all([strict(), lenient()])
    },
  )

  it('D6: a token that grew old on the shelf is thrown away and minted anew; none is used twice', async () => {
    let nowMs = Date.now()
    const overrides = { clock: { now: () => nowMs } }
    const stack = await start({ env: { TOKEN_PREFETCH: '2' }, overrides })
    expect(await chat(stack)).toContain('token accepted')
    // By our own count: the site has made a token a moment before we have it.
    const count = async (outcome: string) =>
      (await stack.metrics.tokensMinted.get()).values.find(({ labels }) => labels.outcome === outcome)?.value
    await expect.poll(() => count('minted'), { timeout: 30_000 }).toBe(3)
    nowMs += 100_000
    expect(await chat(stack)).toContain('token accepted')
    expect(await count('expired')).toBe(2)
    expect(stack.emulator.asks.map(({ token }) => token.verdict)).toEqual(['accepted', 'accepted'])
  })
})

describe('clients, where the page asks', () => {
  let stack: Stack
  afterEach(async () => {
    await stack.expectNothingLeft()
    expect((await readyz(stack.url)).accounts).toMatchObject({ signed_out: [], cooling: [] })
  })
  const expectLogged499 = () => expect.poll(() => stack.logs.some((line) => line.status === 499)).toBe(true)

  it.each([true, false])(
    'C2: one that leaves in the middle of an answer closes the fetch (stream: %s)',
    async (stream) => {
      stack = await start({ emulator: { answer: { type: 'answer', ...endless } } })
      const client = new AbortController()
      const request = post(stack.url, stream, client.signal)
      request.catch(() => {})
      if (stream) await (await request).body?.getReader().read()
      else
        await expect
          .poll(() => stack.emulator.asks[0]?.bytesSent ?? 0, { timeout: 60_000 })
          .toBeGreaterThan(2000)
      client.abort()
      await stack.emulator.until(() => stack.emulator.asks[0]?.ended === 'client-closed')
      await expectLogged499()
    },
  )

  it('C2: one that leaves the line for an account is not asked for', async () => {
    stack = await start({
      env: { ACCOUNT_MAX_CONCURRENCY: '1' },
      emulator: { answer: { type: 'answer', ...endless } },
    })
    const holder = new AbortController()
    await (await post(stack.url, true, holder.signal)).body?.getReader().read()
    const waiting = new AbortController()
    const queued = post(stack.url, true, waiting.signal).catch((error: unknown) => error)
    const inFlight = async () => (await stack.metrics.requestsInFlight.get()).values[0]?.value
    await expect.poll(inFlight).toBe(2)
    waiting.abort()
    await expect.poll(inFlight).toBe(1)
    await queued
    expect(stack.emulator.asks).toHaveLength(1)
    holder.abort()
    await expectLogged499()
  })

  it('C2: one that leaves while its token is minted is not asked for', async () => {
    stack = await start()
    stack.emulator.recaptcha.behaviour.mintDelayMs = 60_000
    const client = new AbortController()
    const request = post(stack.url, true, client.signal).catch((error: unknown) => error)
    await vi.waitFor(() => expect(mintsBegun(stack)).toBe(1), { timeout: 60_000 })
    client.abort()
    await request
    await expect.poll(async () => (await readyz(stack.url)).accounts.in_flight).toBe(0)
    expect(stack.emulator.asks).toEqual([])
    await expectLogged499()
  })
})

import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { gated } from '../support/gated.ts'
import { readEvents } from '../support/read-events.ts'
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts'

// Leases are renewed every 10 s and lapse after 30: these tests have to wait for that, as nothing outside of the process shows it.

let emulator: Emulator | undefined
let service: ServiceProcess | undefined
afterEach(async () => {
  await service?.kill()
  await emulator?.close()
})

/** The wall clock of the service jumps by 40 s at SIGUSR2. */
const steppingClock = `--import data:text/javascript,${encodeURIComponent(
  'const now = Date.now; let step = 0; Date.now = () => now() + step; process.on("SIGUSR2", () => { step += 40000; console.error("stepped") })',
)}`

it('FINDINGS X5: a clock that steps cuts no stream of a single machine', { timeout: 90_000 }, async () => {
  const gate = Promise.withResolvers<void>()
  emulator = await startEmulator()
  emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))
  service = await spawnService({
    GENSPARK_BASE_URL: emulator.url,
    RECAPTCHA_MODE: 'off',
    NODE_OPTIONS: steppingClock,
  })
  const streams = await Promise.all([ask(service.url), ask(service.url)])
  const reading = streams.map(readEvents)
  service.signal('SIGUSR2')
  await expect.poll(() => service?.output()).toContain('stepped')
  // Whatever has lapsed is dropped when somebody looks, and the next renewal finds it gone.
  await fetch(`${service.url}/readyz`)
  await delay(11_000)
  gate.resolve()
  for (const read of await Promise.all(reading)) expect(wordsOf(read)).toEqual(whole)
})

it('FINDINGS X5, X8: a service that was stopped for 35 s goes on where it was', {
  timeout: 120_000,
}, async () => {
  const gate = Promise.withResolvers<void>()
  const first = Promise.withResolvers<void>()
  let asks = 0
  emulator = await startEmulator()
  emulator.answerWith(() => {
    asks += 1
    return { type: 'answer', chunks: asks <= 2 ? gated(gate.promise) : late(first.promise) }
  })
  service = await spawnService({
    GENSPARK_BASE_URL: emulator.url,
    RECAPTCHA_MODE: 'off',
    FIRST_EVENT_TIMEOUT_S: '20',
    IDLE_TIMEOUT_S: '20',
    ACCOUNT_MAX_CONCURRENCY: '4',
  })
  const { url } = service
  const reading = (await Promise.all([ask(url), ask(url)])).map(readEvents)
  const waiting = [ask(url), ask(url)].map(async (response) => readEvents(await response))
  await emulator.until(() => emulator?.openAsks() === 4)
  service.signal('SIGSTOP')
  await delay(1_000)
  // The bytes lie in the sockets by the time that the service goes on.
  gate.resolve()
  first.resolve()
  await delay(34_000)
  service.signal('SIGCONT')
  for (const read of await Promise.all([...reading, ...waiting])) expect(wordsOf(read)).toEqual(whole)
})

async function* late(gate: Promise<void>): AsyncGenerator<string> {
  await gate
  yield 'before '
  yield 'after'
}

const ask = (url: string): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'gpt-5.4',
      stream: true,
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  })

const whole = { text: 'before after', done: true }

const wordsOf = ({ events, done }: Awaited<ReturnType<typeof readEvents>>) => ({
  text: events.map((event) => event.choices?.[0]?.delta.content ?? '').join(''),
  done,
})

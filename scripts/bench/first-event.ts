// What the service adds to the first event of a stream, and how long an attempt waits for its token in steady use.
// Asks the emulator directly and through the service in turn, in one run, so that the machine's mood falls on both.
// The direct ask bears no token: the emulator then does not check one.
// Usage: [PACE_MS=25] npm run bench [-- ROUNDS]

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentBody, askHeaders } from '../../test/emulator/raw-request.ts'
import { emulatorReady, type StartedProcess, serviceReady, startProcess } from '../lib/start-process.ts'
import { median, quantile } from '../lib/statistics.ts'

const rounds = Number(process.argv[2] ?? 300)
const warmUpRounds = 30
/** One request each so many milliseconds: a steady, modest use. */
const paceMs = Number(process.env.PACE_MS ?? 25)

const chatBody = { model: agentBody.ai_chat_model, stream: true, messages: agentBody.messages }

const dataDir = await mkdtemp(join(tmpdir(), 'genspark2api-bench-'))
const agent = new Agent({ keepAlive: true })
const processes: StartedProcess[] = []

try {
  const site = await startProcess('test/emulator/main.ts', { args: ['--port', '0'], ready: emulatorReady })
  processes.push(site)
  const service = await startProcess('src/main.ts', {
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      GENSPARK_BASE_URL: site.url,
      GS_COOKIE: 'session_id=demo',
      DATA_DIR: dataDir,
      REQUEST_RATE_LIMIT: '0',
    },
    ready: serviceReady,
  })
  processes.push(service)
  const direct: number[] = []
  const through: number[] = []
  let waitBefore = { count: 0, seconds: 0 }
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    if (round === warmUpRounds) {
      direct.length = 0
      through.length = 0
      waitBefore = await tokenWait(service.url)
    }
    direct.push(await firstEventMs(`${site.url}/api/agent/ask_proxy`, agentBody, '"message_field_delta"'))
    through.push(await firstEventMs(`${service.url}/v1/chat/completions`, chatBody, '"content"'))
    await sleep(paceMs)
  }
  const wait = await tokenWait(service.url)
  const waits = wait.count - waitBefore.count
  print('emulator alone', direct)
  print('through the service', through)
  const added = median(through) - median(direct)
  console.log(`added to the first event (difference of the medians): ${added.toFixed(2)} ms`)
  console.log(
    `wait for a token: ${(((wait.seconds - waitBefore.seconds) / waits) * 1000).toFixed(3)} ms on average of ${waits}`,
  )
} finally {
  agent.destroy()
  for (const started of processes) await started.stop()
  await rm(dataDir, { recursive: true, force: true })
}

/** From the request's first byte to the first piece of the answer that holds `mark`. */
async function firstEventMs(url: string, body: unknown, mark: string): Promise<number> {
  const payload = JSON.stringify(body)
  const startedMs = performance.now()
  const outgoing = request(url, {
    agent,
    method: 'POST',
    headers: { ...askHeaders, 'content-length': Buffer.byteLength(payload) },
  })
  outgoing.end(payload)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  let firstMs: number | undefined
  for await (const piece of response) {
    if (firstMs !== undefined) continue
    text += piece
    if (text.includes(mark)) firstMs = performance.now() - startedMs
  }
  if (firstMs === undefined)
    throw new Error(`no first event from ${url}: ${response.statusCode} ${text.slice(0, 300)}`)
  return firstMs
}

async function tokenWait(service: string): Promise<{ count: number; seconds: number }> {
  const text = await (await fetch(`${service}/metrics`)).text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
  const name = 'genspark2api_recaptcha_token_wait_seconds'
  return { count: value(`${name}_count`), seconds: value(`${name}_sum`) }
}

function print(name: string, samples: readonly number[]): void {
  const at = (share: number) => quantile(samples, share).toFixed(2)
  console.log(
    `${name.padEnd(20)} median ${at(0.5)} ms, 10 % ${at(0.1)} ms, 90 % ${at(0.9)} ms, n = ${samples.length}`,
  )
}

// What the dialects and stages cost beside plain chat: one dense stream (all deltas at once) and one paced stream through each,
// interleaved in one run so that the machine's mood falls on all. CPU is that of the service alone, all of its threads.
// Usage: npm run bench:dialects [-- ROUNDS [DELTAS]]
// ONLY='messages;plain chat' measures these alone; CPU_PROFILE=DIR writes a CPU profile of the service there, of dense streams.

import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emulatorReady, type StartedProcess, serviceReady, startProcess } from '../lib/start-process.ts'
import { median } from '../lib/statistics.ts'

const rounds = Number(process.argv[2] ?? 40)
const deltas = Number(process.argv[3] ?? 2000)
const pacedDeltas = 200

const model = 'gpt-5.4'
const tools = ['read', 'write', 'search', 'run'].map((name) => ({
  type: 'function',
  function: { name, description: `Does ${name}`, parameters: { type: 'object', properties: {} } },
}))
const chat = (more: object) => ({
  path: '/v1/chat/completions',
  body: (prompt: string) => ({ model, stream: true, messages: [{ role: 'user', content: prompt }], ...more }),
})
const responses = (more: object) => ({
  path: '/v1/responses',
  body: (prompt: string) => ({ model, stream: true, input: prompt, ...more }),
})
const includeUsage = { stream_options: { include_usage: true } }

/** The first is what the others are measured by. */
const kinds = {
  'plain chat': chat({}),
  'chat, usage': chat(includeUsage),
  'chat, tools offered': chat({ tools }),
  'chat, stop': chat({ stop: ['word and word', 'END'] }),
  'chat, far max_tokens': chat({ max_tokens: 1_000_000 }),
  // Fewer than the bytes of the answer: it has to be counted on the way.
  'chat, near max_tokens': chat({ max_tokens: deltas * 2 }),
  'responses, not stored': responses({ store: false }),
  responses: responses({}),
  messages: {
    path: '/v1/messages',
    body: (prompt: string) => ({
      model,
      stream: true,
      max_tokens: 64_000,
      messages: [{ role: 'user', content: prompt }],
    }),
  },
}
type Kind = keyof typeof kinds

const endMarks = ['data: [DONE]', 'event: response.completed', 'event: message_stop']

interface Sample {
  readonly wallMs: number
  readonly cpuMs: number
}

const dataDir = await mkdtemp(join(tmpdir(), 'genspark2api-bench-'))
const agent = new Agent({ keepAlive: true })
const processes: StartedProcess[] = []

try {
  const site = await startProcess('scripts/bench/recorded-site.ts', {
    args: [String(deltas)],
    ready: emulatorReady,
  })
  processes.push(site)
  const { CPU_PROFILE } = process.env
  const service = await startProcess('src/main.ts', {
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      GENSPARK_BASE_URL: site.url,
      GENSPARK_PROTOCOL: 'agent',
      RECAPTCHA_MODE: 'off',
      GS_COOKIE: 'session_id=demo',
      DATA_DIR: dataDir,
      REQUEST_RATE_LIMIT: '0',
      LOG_LEVEL: 'info',
    },
    nodeArgs: CPU_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${CPU_PROFILE}`] : [],
    ready: serviceReady,
  })
  processes.push(service)
  print(`dense: ${deltas} deltas at once`, await measure(service, `dense ${deltas}`, rounds))
  if (!CPU_PROFILE) {
    const title = `paced: ${pacedDeltas} deltas, one each 5 ms`
    print(title, await measure(service, `paced ${pacedDeltas}`, Math.ceil(rounds / 8)))
  }
} finally {
  agent.destroy()
  for (const started of processes.reverse()) await started.stop()
  await rm(dataDir, { recursive: true, force: true })
}

/** Each round asks every kind once, and begins with another one. */
async function measure(service: StartedProcess, prompt: string, count: number): Promise<Map<Kind, Sample[]>> {
  const names = (process.env.ONLY?.split(';') ?? Object.keys(kinds)) as Kind[]
  const samples = new Map<Kind, Sample[]>(names.map((name) => [name, []]))
  const warmUpRounds = Math.ceil(count / 4)
  for (let round = -warmUpRounds; round < count; round += 1) {
    for (let step = 0; step < names.length; step += 1) {
      const name = names[(step + round + warmUpRounds) % names.length] as Kind
      const sample = await stream(service, kinds[name].path, kinds[name].body(prompt))
      if (round >= 0) samples.get(name)?.push(sample)
    }
  }
  return samples
}

async function stream({ url, pid }: StartedProcess, path: string, body: unknown): Promise<Sample> {
  const payload = JSON.stringify(body)
  const cpuBefore = await cpuMsOf(pid)
  const startedMs = performance.now()
  const outgoing = request(url + path, {
    agent,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
  })
  outgoing.end(payload)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const pieces: Buffer[] = []
  for await (const piece of response) pieces.push(piece)
  const wallMs = performance.now() - startedMs
  const cpuMs = (await cpuMsOf(pid)) - cpuBefore
  const answer = Buffer.concat(pieces)
  if (!endMarks.some((mark) => answer.includes(mark)))
    throw new Error(`${path}: ${response.statusCode} ${answer.toString().slice(-500)}`)
  return { wallMs, cpuMs }
}

/** Time on a processor, of all threads. Linux tells it in nanoseconds. */
async function cpuMsOf(pid: number): Promise<number> {
  let nanoseconds = 0
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')
    nanoseconds += Number(stat.split(' ')[0])
  }
  return nanoseconds / 1e6
}

function print(title: string, samples: ReadonlyMap<Kind, readonly Sample[]>): void {
  const rows = [...samples].map(([name, taken]) => ({
    name,
    wallMs: median(taken.map(({ wallMs }) => wallMs)),
    cpuMs: median(taken.map(({ cpuMs }) => cpuMs)),
  }))
  const [plain] = rows
  console.log(`\n${title}, medians of ${samples.values().next().value?.length}`)
  console.log(
    `${''.padEnd(24)}${['time', 'ratio', 'CPU', 'ratio'].map((head) => head.padStart(12)).join('')}`,
  )
  for (const { name, wallMs, cpuMs } of rows) {
    const cells = [
      `${wallMs.toFixed(2)} ms`,
      (wallMs / (plain?.wallMs ?? 1)).toFixed(3),
      `${cpuMs.toFixed(2)} ms`,
      (cpuMs / (plain?.cpuMs ?? 1)).toFixed(3),
    ]
    console.log(name.padEnd(24) + cells.map((cell) => cell.padStart(12)).join(''))
  }
}

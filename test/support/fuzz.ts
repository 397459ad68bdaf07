import { gzipSync } from 'node:zlib'
import type { AskRecord } from '../emulator/ask-record.ts'
import { startEmulator } from '../emulator/emulator.ts'
import type { FailureId, Scenario } from '../emulator/scenario.ts'
import { spawnService } from './spawn-service.ts'

export interface FuzzReport {
  readonly requests: number
  readonly statuses: ReadonlyMap<number, number>
  /** What must not be: each with the request that led to it. */
  readonly findings: readonly string[]
}

export interface FuzzOptions {
  readonly seed: number
  readonly forMs: number
  readonly atOnce?: number
}

/** No answer may take longer, whatever was sent. */
const hangMs = 20_000

const secrets = {
  API_SECRET: 'sk-fuzz-canary',
  GS_COOKIE: 'session_id=fuzz-canary-cookie',
  ADMIN_SECRET: 'adm-fuzz-canary',
}

/** Sends valid requests of every route, changed in shape, type, size, nesting and encoding, to the whole service before the emulated
 *  site. Looks for a 500, a hang, an error of another shape, a secret in an answer, the end of the process. */
export async function fuzz({ seed, forMs, atOnce = 4 }: FuzzOptions): Promise<FuzzReport> {
  const emulator = await startEmulator()
  const env = {
    ...secrets,
    GENSPARK_BASE_URL: emulator.url,
    RECAPTCHA_MODE: 'off',
    MAX_BODY_MB: '2',
    MEDIA_TIMEOUT_S: '2',
  }
  const service = await spawnService({ ...env, QUEUE_WAIT_S: '1', SHUTDOWN_GRACE_S: '1' })
  const random = createRandom(seed)
  emulator.answerWith((ask) => faultOrAnswer(ask, random))
  const statuses = new Map<number, number>()
  const findings: string[] = []
  let requests = 0
  const endMs = Date.now() + forMs

  async function work(): Promise<void> {
    while (Date.now() < endMs && findings.length < 20) {
      const request = mutateRequest(random)
      requests += 1
      const problem = await send(service.url, request, statuses)
      if (problem)
        findings.push(`${problem}: ${request.method} ${request.path} ${String(request.shown).slice(0, 400)}`)
    }
  }

  try {
    await Promise.all(Array.from({ length: atOnce }, work))
    const alive = await fetch(`${service.url}/livez`)
      .then(({ status }) => status === 200)
      .catch(() => false)
    if (!alive) findings.push(`the process does not answer any more: ${service.output().slice(-500)}`)
    for (const secret of secretWords)
      if (service.output().includes(secret)) findings.push('a secret is in the log')
    return { requests, statuses, findings }
  } finally {
    await service.kill()
    await emulator.close()
  }
}

/** What the site says: mostly an answer, else a failure in any form, or a stream that breaks. */
function faultOrAnswer({ kind }: AskRecord, random: Random): Scenario {
  if (random() < 0.8) return kind === 'chat' ? { type: 'answer', chunks: ['Hi'] } : mediaAnswer(random)
  if (random() < 0.5)
    return {
      type: 'failure',
      failure: pick(random, passingFailures),
      as: pick(random, ['event', 'json', 'text']),
      // A day of rest would leave the rest of the run without an account.
      headers: { 'retry-after': '0' },
    }
  if (random() < 0.5)
    return {
      type: 'answer',
      chunks: ['Hi', ' there'],
      cut: {
        after: pick(random, ['nothing', 'headers', 'first-token', 40]),
        how: pick(random, ['reset', 'hang-up', 'clean-end']),
        delayMs: 0,
      },
    }
  const status = pick(random, [200, 204, 301, 400, 402, 404, 408, 418, 422, 451, 500, 502, 503, 529])
  const body = pick(random, oddReplies)
  const type = pick(random, ['text/event-stream', 'text/html', 'application/json', 'image/png'])
  return {
    type: 'raw',
    respond: (response) => void response.writeHead(status, { 'content-type': type }).end(body),
  }
}

function mediaAnswer(random: Random): Scenario {
  const tasks = pick(random, [undefined, undefined, [], [{ failure: 'no' }], [{ steps: 2 }, { status: -2 }]])
  return {
    type: 'media',
    urls: pick(random, ['never', 'early', 'late']),
    carrier: pick(random, ['results', 'content', 'tool-call', 'task-object', 'task-ids', 'tasks']),
    withoutFinal: random() < 0.2,
    ...(tasks && { tasks }),
  }
}

/** Failures that put no account away for good. */
const passingFailures: readonly FailureId[] = ['F3', 'F6', 'F7', 'F8', 'A2', 'A3', 'A15']

const oddReplies = [
  '',
  'null',
  '[]',
  '{}',
  '{"error":null}',
  'data: null\n\n',
  'data: []\n\n',
  'data: {"type":"message_field_delta","delta":5}\n\n',
  'data: {"type":"message_result","message":{"role":"assistant","content":{"a":[1]}}}\n\n',
  'data: {"type":["x"],"message":null}\n\n',
  `data: {"type":"message_field_delta","field_name":"content","delta":"${'x'.repeat(200_000)}"}\n\n`,
  'data: \ud800\n\n',
  '<html><body>hello</body></html>',
  Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]),
]

const secretWords = ['sk-fuzz-canary', 'fuzz-canary-cookie', 'adm-fuzz-canary']

async function send(
  url: string,
  request: FuzzRequest,
  statuses: Map<number, number>,
): Promise<string | undefined> {
  const { method, path, headers, body } = request
  let status: number
  let text: string
  try {
    const init = {
      method,
      headers,
      signal: AbortSignal.timeout(hangMs),
      ...(body && { body: new Uint8Array(body) }),
    }
    const response = await fetch(url + path, init)
    status = response.status
    text = await response.text()
  } catch (error) {
    return `no answer (${error instanceof Error ? `${error.name}, ${error.cause ?? error.message}` : error})`
  }
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
  if (status === 500) return 'a 500'
  if (secretWords.some((secret) => text.includes(secret))) return 'a secret in an answer'
  return status >= 400 && !isError(text) ? `${status} in another shape, ${text.slice(0, 200)}` : undefined
}

function isError(text: string): boolean {
  try {
    const { error } = JSON.parse(text) as { error?: { type?: unknown; message?: unknown } }
    return typeof error?.type === 'string' && typeof error.message === 'string'
  } catch {
    return false
  }
}

interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: Buffer | undefined
  readonly shown: string | undefined
}

type Random = () => number

/** Mulberry32. */
function createRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T

const tool = {
  name: 'f',
  description: 'd',
  parameters: { type: 'object', properties: { a: { type: 'string' } } },
}
const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='

const valid: readonly (readonly [path: string, body: unknown])[] = [
  [
    '/v1/chat/completions',
    {
      model: 'gpt-5.4',
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'Hi' },
      ],
      n: 1,
      stop: ['x'],
      max_tokens: 9,
      temperature: 1,
    },
  ],
  [
    '/v1/chat/completions',
    {
      model: 'gpt-5.4',
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hi' },
            { type: 'image_url', image_url: { url: pixel, detail: 'low' } },
          ],
        },
      ],
    },
  ],
  [
    '/v1/chat/completions',
    {
      model: 'gpt-5.4',
      tools: [{ type: 'function', function: tool }],
      tool_choice: 'auto',
      messages: [
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: 'r' },
      ],
    },
  ],
  [
    '/v1/chat/completions',
    {
      model: 'gpt-5.4',
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: tool.parameters } },
      messages: [{ role: 'user', content: 'Hi' }],
    },
  ],
  ['/v1/responses', { model: 'gpt-5.4', input: 'Hi', store: true, metadata: { a: 'b' } }],
  [
    '/v1/responses',
    {
      model: 'gpt-5.4',
      background: true,
      instructions: 'i',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
      tools: [{ type: 'function', ...tool }],
    },
  ],
  [
    '/v1/responses',
    {
      model: 'gpt-5.4',
      stream: true,
      previous_response_id: 'resp_1',
      input: [
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'r' },
      ],
    },
  ],
  [
    '/v1/messages',
    {
      model: 'claude-sonnet-5',
      max_tokens: 9,
      system: [{ type: 'text', text: 's' }],
      thinking: { type: 'enabled', budget_tokens: 1024 },
      messages: [{ role: 'user', content: 'Hi' }],
      stream: false,
    },
  ],
  [
    '/v1/messages',
    {
      model: 'claude-sonnet-5',
      max_tokens: 9,
      tools: [{ name: 'f', input_schema: tool.parameters }],
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'r' }] },
      ],
    },
  ],
  ['/v1/messages/count_tokens', { model: 'claude-sonnet-5', messages: [{ role: 'user', content: 'Hi' }] }],
  [
    '/v1/images/generations',
    { model: 'gpt-image-2', prompt: 'A cat', n: 1, size: '1024x1024', response_format: 'url' },
  ],
  ['/v1/images/edits', { model: 'gpt-image-2', prompt: 'A cat', image: pixel }],
  ['/v1/videos/generations', { model: 'sora-2', prompt: 'A cat', duration: 5 }],
  ['/v1/videos', { model: 'sora-2', prompt: 'A cat', seconds: '4', size: '1280x720' }],
  ['/admin/accounts', { cookie: 'session_id=bob', note: 'n' }],
]

const reads = [
  '/v1/models',
  '/v1/models/gpt-5.4',
  '/v1/responses/resp_1',
  '/v1/responses/resp_1/input_items',
  '/v1/videos',
  '/v1/videos/video_1/content',
  '/files/x.png',
  '/admin/accounts',
  '/admin/usage?from=x',
  '/readyz',
  '/v1/dashboard/billing/usage',
  '/v1/%ff',
  '/v1/models/%00',
  '//',
  '/admin/../v1/models',
]

function mutateRequest(random: Random): FuzzRequest {
  const keyFor = (path: string) =>
    random() < 0.02 ? 'wrong' : path.startsWith('/admin') ? secrets.ADMIN_SECRET : secrets.API_SECRET
  const headers: Record<string, string> = {}
  if (random() < 0.1) {
    const method = pick(random, ['GET', 'GET', 'DELETE', 'OPTIONS', 'PUT', 'PATCH'])
    const path = pick(random, reads)
    headers.authorization = `Bearer ${keyFor(path)}`
    return { method, path, headers, body: undefined, shown: undefined }
  }
  if (random() < 0.12) return mutateForm(random, `Bearer ${keyFor('/v1')}`)
  const [path, sample] = pick(random, valid)
  headers.authorization = `Bearer ${keyFor(path)}`
  let value: unknown = structuredClone(sample)
  for (let times = Math.floor(random() * 4); times > 0; times -= 1) value = mutate(value, random)
  let text = JSON.stringify(value) ?? ''
  if (random() < 0.1) text = breakText(text, random)
  let body: Buffer = Buffer.from(text)
  headers['content-type'] =
    random() < 0.9
      ? 'application/json'
      : pick(random, [
          'text/plain',
          'multipart/form-data; boundary=x',
          'image/png',
          'application/json; charset=utf-16',
          ';',
        ])
  if (random() < 0.1) {
    headers['content-encoding'] = pick(random, ['gzip', 'deflate', 'br', 'zstd', 'identity'])
    if (random() < 0.7) body = gzipSync(body)
  }
  return { method: 'POST', path, headers, body, shown: text }
}

const picture = Buffer.from(pixel.slice(pixel.indexOf(',') + 1), 'base64')

/** A form, as clients send it for edits and videos, in parts that may be doubled, left out, renamed, cut or malformed. */
function mutateForm(random: Random, authorization: string): FuzzRequest {
  const path = pick(random, ['/v1/images/edits', '/v1/images/edits', '/v1/videos', '/v1/videos/generations'])
  const boundary = pick(random, ['x', '----form', 'a b', 'é', '"q"', 'x'.repeat(70)])
  const fields: [name: string, value: string | Buffer, head?: string][] = [
    ['model', path.includes('videos') ? 'sora-2' : 'gpt-image-2'],
    ['prompt', 'A cat'],
    ['n', '1'],
    [
      path.includes('videos') ? 'input_reference' : pick(random, ['image', 'image[]']),
      picture,
      '; filename="a.png"\r\nContent-Type: image/png',
    ],
    ['mask', picture, '; filename="m.png"\r\nContent-Type: image/png'],
  ]
  for (let times = Math.floor(random() * 4); times > 0; times -= 1) {
    const index = Math.floor(random() * fields.length)
    const field = fields[index]
    if (!field) break
    const what = random()
    if (what < 0.15) fields.splice(index, 1)
    else if (what < 0.3) fields.push(field)
    else if (what < 0.5) field[0] = pick(random, oddNames)
    else if (what < 0.8) field[1] = pick(random, oddParts)
    else
      field[2] = pick(random, [
        '',
        '; filename=""',
        "; filename*=UTF-8''%ff",
        '; filename="../../x"\r\nX: \0',
      ])
  }
  const parts = fields.flatMap(([name, value, head = '']) => [
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${head}\r\n\r\n`),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ])
  let body = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)])
  if (random() < 0.15) body = body.subarray(0, Math.floor(random() * body.length))
  const named = random() < 0.05 ? '' : `; boundary=${boundary.replaceAll('é', 'e')}`
  const headers: Record<string, string> = { authorization, 'content-type': `multipart/form-data${named}` }
  if (random() < 0.05) {
    headers['content-encoding'] = 'gzip'
    body = gzipSync(body)
  }
  return { method: 'POST', path, headers, body, shown: fields.map(([name]) => name).join() }
}

const oddNames = [
  '',
  '__proto__',
  'constructor',
  'n[]',
  'image[a]',
  'image[]',
  'size',
  'a'.repeat(300),
  '[',
  'é\0',
]
const oddParts = [
  '',
  '-1',
  '1e9',
  '\0',
  'null',
  '[]',
  'x'.repeat(70_000),
  picture.subarray(0, 20),
  Buffer.alloc(9),
]

const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  0.5,
  '',
  ' ',
  '\0',
  '\ud800',
  '\u202e',
  'x'.repeat(70_000),
  '__proto__',
  [],
  {},
  [[]],
  [null],
  { toString: 1 },
  { type: 'text' },
  { type: 'unknown' },
  'http://127.0.0.1:1/x',
  'data:image/png;base64,!',
  '9'.repeat(400),
]

/** One place of the value, any of them, becomes something else. */
function mutate(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random() < 0.05) return wrap(pick(random, odd), random)
  if (Array.isArray(value)) {
    const list = [...value]
    const index = Math.floor(random() * list.length)
    const what = random()
    if (what < 0.15) list.splice(index, 1)
    else if (what < 0.25)
      list.push(...Array.from({ length: Math.floor(random() * 300) }, () => list[index] ?? null))
    else list[index] = mutate(list[index], random)
    return list
  }
  const object: Record<string, unknown> = { ...value }
  const key = pick(random, Object.keys(object)) ?? 'a'
  const what = random()
  if (what < 0.12) delete object[key]
  else if (what < 0.2)
    object[
      pick(random, [
        '__proto__x',
        'constructor',
        'toString',
        'n',
        'stop',
        'stream',
        'tools',
        'metadata',
        'reasoning',
        'user',
      ])
    ] = pick(random, odd)
  else object[key] = mutate(object[key], random)
  return object
}

function wrap(value: unknown, random: Random): unknown {
  let wrapped = value
  if (random() < 0.1)
    for (let depth = Math.floor(random() * 120); depth > 0; depth -= 1)
      wrapped = random() < 0.5 ? [wrapped] : { a: wrapped }
  return wrapped
}

function breakText(text: string, random: Random): string {
  const at = Math.floor(random() * text.length)
  return pick(random, [
    text.slice(0, at),
    `${text.slice(0, at)}\0${text.slice(at)}`,
    `\ufeff${text}`,
    `${text}${text}`,
    text.replaceAll('"', "'"),
    text.replace('{', '{"__proto__":{"x":1},'),
  ])
}

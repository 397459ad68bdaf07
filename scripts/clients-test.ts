// Runs real programs of others against the service, whose site is the mock: a question, ten steps with a tool, a picture; Codex also
// through a tool of an MCP server and a compaction. What each of them sends is written to requests.jsonl of its folder.
// To be started by clients-test.sh, which tells what it is for.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../src/config.ts'
import { createService } from '../src/service.ts'
import { startEmulator } from '../test/emulator/emulator.ts'
import { callingModel, type TaughtTool } from '../test/support/tool-model.ts'
import { pictures } from '../test/upstream/pictures.ts'

const folder = process.env.CLIENTS_FOLDER ?? mkdtempSync(join(tmpdir(), 'genspark2api-clients-'))
const wanted = new Set(process.argv.slice(2))
const stepsOfLoop = 10
const installMs = 600_000
const runMs = 180_000
const key = 'sk-clients-test'

interface Program {
  readonly name: string
  /** Of npm. */
  readonly package: string
  readonly bin: string
  /** @param picture  a file to send along */
  arguments(prompt: string, picture: string | undefined): readonly string[]
  /** Beside a home and a path of its own. */
  environment(url: string): Readonly<Record<string, string>>
  /** Files of its home, by their paths. */
  files?(url: string): Readonly<Record<string, string>>
  /** To be run once before. */
  setUp?(url: string): readonly string[]
  /** Of its home; `bin` by default. */
  readonly folder?: string
  /** Arguments that make it sum up its conversation early, where it has an MCP server too. */
  readonly compacting?: readonly string[]
}

const openAi = (url: string) => ({ OPENAI_API_KEY: key, OPENAI_BASE_URL: `${url}/v1` })

/** A server of MCP over standard input, with one tool. */
const mcpScript = join(folder, 'mcp-server.mjs')
const mcpServer = [
  '[mcp_servers.docs]',
  `command = ${JSON.stringify(process.execPath)}`,
  `args = [${JSON.stringify(mcpScript)}]`,
]
writeFileSync(
  mcpScript,
  `import { createInterface } from 'node:readline'
const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'docs', version: '1' } }),
  'tools/list': () => ({ tools: [{ name: 'lookup', description: 'Looks a word up in the docs', annotations: { readOnlyHint: true },
    inputSchema: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] } }] }),
  'tools/call': ({ arguments: given }) => ({ content: [{ type: 'text', text: 'DEFINITION of ' + given.word }] }),
}
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) continue
  const result = answers[method]?.(params)
  const answer = result ? { result } : { error: { code: -32601, message: 'no such method' } }
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...answer }) + '\\n')
}
`,
)

const programs: Program[] = [
  {
    name: 'Claude Code',
    package: '@anthropic-ai/claude-code',
    bin: 'claude',
    arguments: (prompt, picture) => [
      ...['-p', picture ? `${prompt} ${picture}` : prompt],
      ...['--allowedTools', 'Bash,Read', '--max-turns', '30'],
    ],
    environment: (url) => ({
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_AUTH_TOKEN: key,
      ANTHROPIC_MODEL: 'claude-sonnet-5',
      ANTHROPIC_DEFAULT_HAIKU_MODEL: 'claude-4-5-haiku',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    }),
  },
  {
    name: 'Codex',
    package: '@openai/codex',
    bin: 'codex',
    arguments: (prompt, picture) => [
      ...['exec', '--skip-git-repo-check', '--sandbox', 'danger-full-access'],
      ...(picture ? ['--image', picture, '--', prompt] : ['--', prompt]),
    ],
    environment: () => ({ GENSPARK2API_KEY: key }),
    files: (url) => ({
      '.codex/config.toml': [
        'model = "gpt-5.5"',
        'model_provider = "genspark2api"',
        'approval_policy = "never"',
        ...mcpServer,
        '[model_providers.genspark2api]',
        'name = "genspark2api"',
        `base_url = "${url}/v1"`,
        'env_key = "GENSPARK2API_KEY"',
        'wire_api = "responses"',
        '',
      ].join('\n'),
    }),
    compacting: ['-c', 'model_auto_compact_token_limit=2000'],
  },
  {
    name: 'Codex with openai_base_url',
    package: '@openai/codex',
    bin: 'codex',
    folder: 'codex-openai',
    arguments: (prompt, picture) => [
      ...['exec', '--skip-git-repo-check', '--sandbox', 'danger-full-access'],
      ...(picture ? ['--image', picture, '--', prompt] : ['--', prompt]),
    ],
    environment: () => ({ OPENAI_API_KEY: key, CODEX_API_KEY: key }),
    files: (url) => ({
      '.codex/config.toml': [
        'model = "gpt-5.5"',
        `openai_base_url = "${url}/v1"`,
        'approval_policy = "never"',
        ...mcpServer,
        '',
      ].join('\n'),
    }),
    compacting: ['-c', 'model_auto_compact_token_limit=2000'],
  },
  {
    name: 'opencode',
    package: 'opencode-ai',
    bin: 'opencode',
    arguments: (prompt, picture) => [
      ...['run', '--model', 'genspark2api/gpt-5.5', prompt],
      ...(picture ? ['--file', picture] : []),
    ],
    environment: openAi,
    files: (url) => ({
      '.config/opencode/opencode.json': JSON.stringify({
        permission: { bash: 'allow' },
        provider: {
          genspark2api: {
            npm: '@ai-sdk/openai-compatible',
            options: { baseURL: `${url}/v1`, apiKey: key },
            models: {
              'gpt-5.5': { attachment: true, modalities: { input: ['text', 'image'], output: ['text'] } },
            },
          },
        },
      }),
    }),
  },
  {
    name: 'qwen-code',
    package: '@qwen-code/qwen-code',
    bin: 'qwen',
    arguments: (prompt, picture) => [
      ...['--yolo', '--auth-type', 'openai', '-p', picture ? `${prompt} @${picture}` : prompt],
    ],
    environment: (url) => ({ ...openAi(url), OPENAI_MODEL: 'gpt-5.5' }),
  },
  {
    name: 'crush',
    package: '@charmland/crush',
    bin: 'crush',
    arguments: (prompt) => ['run', '--quiet', prompt],
    environment: () => ({}),
    files: (url) => ({
      '.config/crush/crush.json': JSON.stringify({
        permissions: { allowed_tools: ['bash'] },
        models: {
          large: { provider: 'genspark2api', model: 'gpt-5.5' },
          small: { provider: 'genspark2api', model: 'gpt-5.4-mini' },
        },
        providers: {
          genspark2api: {
            type: 'openai-compat',
            base_url: `${url}/v1`,
            api_key: key,
            models: ['gpt-5.5', 'gpt-5.4-mini'].map((id) => ({
              ...{ id, name: id, context_window: 200_000, default_max_tokens: 8000 },
            })),
          },
        },
      }),
    }),
  },
]

programs.push({
  name: 'Cline',
  package: 'cline@latest',
  bin: 'cline',
  setUp: (url) => ['auth', '-p', 'openai-compatible', '-k', key, '-b', `${url}/v1`, '-m', 'gpt-5.5'],
  arguments: (prompt, picture) => [
    ...['-P', 'openai-compatible', '-m', 'gpt-5.5', '--auto-approve', 'true', '-t', '120'],
    picture ? `${prompt} ${picture}` : prompt,
  ],
  environment: (url) => openAi(url),
})

const emulator = await startEmulator({ tokenCheck: 'off' })
emulator.answerWith(
  callingModel(({ ask, said, tools, results }) => {
    const all = said.map(({ text }) => text).join('\n')
    if (/sees nothing else|handoff summary/i.test(said.at(-1)?.text ?? ''))
      return 'SUMMARY: the user wants COMPACT.'
    const toolOf = (pattern: RegExp) => tools.find(({ name }) => pattern.test(name))
    const shell = toolOf(/^(?:bash|shell|exec_command|run_shell_command|execute_command|run_commands)$/i)
    const step = (count: number) =>
      shell && [{ name: shell.name, arguments: argumentsFor(shell, `echo step-${count}`) }]
    if (all.includes('LOOKUP')) {
      const found = /DEFINITION of \w+/.exec(all)
      if (found) return `LOOKED UP: ${found[0]}`
      const lookup = toolOf(/lookup$/)
      if (lookup) return [{ name: lookup.name, arguments: { word: 'emerald' } }]
      const search = toolOf(/^tool_search$/)
      if (search && results.length === 0) return [{ name: search.name, arguments: { query: 'lookup' } }]
      return 'There is no such tool.'
    }
    if (all.includes('What is this image')) {
      const hasPicture = ask.messages.some(
        ({ content }) => typeof content !== 'string' && content.some(({ type }) => type !== 'text'),
      )
      if (hasPicture) return 'ANSWERED with a picture'
      const read = toolOf(/^(?:read|read_file|read_files|view_image)$/i)
      const path = /\S+picture\.png/.exec(all)?.[0].replace(/^@/, '')
      if (!read || !path || results.length > 0) return 'There is no picture.'
      return [{ name: read.name, arguments: argumentsFor(read, path) }]
    }
    const heard = said.flatMap(({ role, text }) => (role === 'system' ? [] : [text])).join('\n')
    const done = heard.match(/^<tool_result/gm)?.length ?? 0
    if (all.includes('COMPACT')) {
      if (all.includes('SUMMARY')) return 'COMPACTED and gone on.'
      return (done < stepsOfLoop && step(done + 1)) || 'There was no compaction.'
    }
    if (!all.includes('LOOP')) return 'ANSWERED'
    return (done < stepsOfLoop && step(done + 1)) || `LOOPED ${done}`
  }),
)
const config = parseConfig({
  ...{ HOST: '127.0.0.1', PORT: '0', GENSPARK_BASE_URL: emulator.url, GS_COOKIE: 'session_id=alice' },
  ...{ API_SECRET: key, RECAPTCHA_MODE: 'off', REQUEST_RATE_LIMIT: '0', LOG_LEVEL: 'silent' },
  DATA_DIR: mkdtempSync(join(folder, 'data-')),
})
const service = await createService(config)
const serviceUrl = await service.listen()
/** Where what is sent is written down. */
let recording = join(folder, 'requests.jsonl')
const recorder = createServer((request, response) => {
  const { method = '', url: path = '', headers } = request
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.once('end', () => {
    const body = Buffer.concat(chunks)
    appendFileSync(recording, `${JSON.stringify({ method, path, headers, body: body.toString() })}\n`)
    const passed = forward(serviceUrl + path, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passed.once('error', () => response.destroy())
    response.once('close', () => passed.destroy())
    passed.end(body)
  })
})
recorder.listen(0, '127.0.0.1')
await once(recorder, 'listening')
const url = `http://127.0.0.1:${(recorder.address() as AddressInfo).port}`
const picture = join(folder, 'picture.png')
writeFileSync(picture, pictures.png)

let failures = 0
for (const program of programs) {
  if (wanted.size > 0 && !wanted.has(program.bin)) continue
  const home = join(folder, program.folder ?? program.bin)
  mkdirSync(join(home, 'work'), { recursive: true })
  recording = join(home, 'requests.jsonl')
  if (!existsSync(join(home, 'node_modules/.bin', program.bin))) {
    const npm = ['install', '--prefix', home, '--no-audit', '--no-fund', program.package]
    const { code, output } = await run('npm', npm, {
      cwd: home,
      environment: process.env,
      timeoutMs: installMs,
    })
    if (code !== 0) {
      tell(program, 'install', false, output)
      continue
    }
  }
  for (const [path, text] of Object.entries(program.files?.(url) ?? {})) {
    mkdirSync(join(home, path, '..'), { recursive: true })
    writeFileSync(join(home, path), text)
  }
  if (program.setUp) await start(program, home, program.setUp(url))
  const sees = async (what: string, given: readonly string[], expected: RegExp) => {
    const output = await start(program, home, given)
    tell(program, what, expected.test(output), output)
  }
  const ask = program.arguments
  await sees('question', ask('Say anything.', undefined), /ANSWERED/)
  const loop = ask('LOOP until you are done.', undefined)
  await sees('tool loop', loop, new RegExp(`LOOPED ${stepsOfLoop}`))
  await sees('picture', ask('What is this image?', picture), /ANSWERED with a picture/)
  if (!program.compacting) continue
  await sees('MCP server', ask('LOOKUP the word emerald.', undefined), /LOOKED UP: DEFINITION of emerald/)
  const [command = '', ...more] = ask('COMPACT when you have to.', undefined)
  await sees('compaction', [command, ...program.compacting, ...more], /COMPACTED/)
}
recorder.close()
recorder.closeAllConnections()
await service.close()
await emulator.close()
process.exitCode = failures > 0 ? 1 : 0

/** @returns what it wrote */
async function start(program: Program, home: string, given: readonly string[]): Promise<string> {
  const bin = join(home, 'node_modules/.bin', program.bin)
  const environment = { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), ...program.environment(url) }
  return (await run(bin, given, { cwd: join(home, 'work'), environment, timeoutMs: runMs })).output
}

function tell({ name }: Program, what: string, passed: boolean, output: string): void {
  if (!passed) failures += 1
  process.stdout.write(`${passed ? 'passed' : 'FAILED'}  ${name}: ${what}\n`)
  if (!passed) process.stdout.write(`${output.slice(-2000).replace(/^/gm, '    ')}\n`)
}

/** Fills in what the schema of the tool demands beside the command. */
function argumentsFor({ parameters }: TaughtTool, command: string): Record<string, unknown> {
  const { properties = {}, required = [] } = parameters as {
    properties?: Record<string, { type?: string }>
    required?: readonly string[]
  }
  const given: Record<string, unknown> = {}
  for (const name of required) {
    const { type } = properties[name] ?? {}
    given[name] = type === 'boolean' ? false : type === 'number' || type === 'integer' ? 1000 : 'a step'
  }
  const fields = [
    'command',
    'cmd',
    'commands',
    'file_path',
    'absolute_path',
    'filePath',
    'path',
    'paths',
    'files',
  ]
  const field = fields.find((name) => name in properties) ?? 'command'
  const isList = properties[field]?.type === 'array'
  given[field] = !isList ? command : field === 'command' ? ['bash', '-c', command] : [command]
  return given
}

interface RunOptions {
  readonly cwd: string
  readonly environment: Readonly<NodeJS.ProcessEnv>
  readonly timeoutMs: number
}

function run(command: string, given: readonly string[], { cwd, environment, timeoutMs }: RunOptions) {
  const { PATH = '' } = process.env
  const env = { PATH, ...environment }
  const child = spawn(command, given, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs })
  let output = ''
  const add = (chunk: Buffer) => {
    output = (output + String(chunk)).slice(-100_000)
  }
  child.stdout.on('data', add)
  child.stderr.on('data', add)
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; output: string }>()
  child.once('error', (error) => resolve({ code: 1, output: String(error) }))
  child.once('close', (code) => resolve({ code, output }))
  return promise
}

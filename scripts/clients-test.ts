// Runs real programs of others against the service, whose site is the mock: a question, ten steps with a tool, a picture.
// To be started by clients-test.sh, which tells what it is for.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
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
  readonly takesPictures: boolean
}

const openAi = (url: string) => ({ OPENAI_API_KEY: key, OPENAI_BASE_URL: `${url}/v1` })

const programs: readonly Program[] = [
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
    takesPictures: false,
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
        '[model_providers.genspark2api]',
        'name = "genspark2api"',
        `base_url = "${url}/v1"`,
        'env_key = "GENSPARK2API_KEY"',
        'wire_api = "responses"',
        '',
      ].join('\n'),
    }),
    takesPictures: true,
  },
  {
    name: 'opencode',
    package: 'opencode-ai',
    bin: 'opencode',
    arguments: (prompt) => ['run', '--model', 'genspark2api/gpt-5.5', prompt],
    environment: openAi,
    files: (url) => ({
      '.config/opencode/opencode.json': JSON.stringify({
        permission: { bash: 'allow' },
        provider: {
          genspark2api: {
            npm: '@ai-sdk/openai-compatible',
            options: { baseURL: `${url}/v1`, apiKey: key },
            models: { 'gpt-5.5': {} },
          },
        },
      }),
    }),
    takesPictures: false,
  },
  {
    name: 'qwen-code',
    package: '@qwen-code/qwen-code',
    bin: 'qwen',
    arguments: (prompt) => ['--yolo', '--auth-type', 'openai', '-p', prompt],
    environment: (url) => ({ ...openAi(url), OPENAI_MODEL: 'gpt-5.5' }),
    takesPictures: false,
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
    takesPictures: false,
  },
]

const emulator = await startEmulator({ tokenCheck: 'off' })
emulator.answerWith(
  callingModel(({ said, tools }) => {
    const all = said.map(({ text }) => text).join('\n')
    if (!all.includes('LOOP')) return `ANSWERED ${all.includes('image') ? 'with a picture' : ''}`
    const done = all.match(/<tool_result/g)?.length ?? 0
    const shell = tools.find(({ name }) => /^(?:bash|shell|exec_command|run_shell_command)$/i.test(name))
    if (!shell || done >= stepsOfLoop) return `LOOPED ${done}`
    return [{ name: shell.name, arguments: argumentsFor(shell, `echo step-${done + 1}`) }]
  }),
)
const config = parseConfig({
  ...{ HOST: '127.0.0.1', PORT: '0', GENSPARK_BASE_URL: emulator.url, GS_COOKIE: 'session_id=alice' },
  ...{ API_SECRET: key, RECAPTCHA_MODE: 'off', REQUEST_RATE_LIMIT: '0', LOG_LEVEL: 'silent' },
  DATA_DIR: mkdtempSync(join(folder, 'data-')),
})
const service = await createService(config)
const url = await service.listen()
const picture = join(folder, 'picture.png')
writeFileSync(picture, pictures.png)

let failures = 0
for (const program of programs) {
  if (wanted.size > 0 && !wanted.has(program.bin)) continue
  const home = join(folder, program.bin)
  mkdirSync(join(home, 'work'), { recursive: true })
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
  await check(program, home, 'question', 'Say anything.', undefined, /ANSWERED/)
  await check(
    program,
    home,
    'tool loop',
    'LOOP until you are done.',
    undefined,
    new RegExp(`LOOPED ${stepsOfLoop}`),
  )
  if (program.takesPictures) await check(program, home, 'picture', 'What is this image?', picture, /ANSWERED/)
}
await service.close()
await emulator.close()
process.exitCode = failures > 0 ? 1 : 0

async function check(
  program: Program,
  home: string,
  what: string,
  prompt: string,
  file: string | undefined,
  expected: RegExp,
): Promise<void> {
  const bin = join(home, 'node_modules/.bin', program.bin)
  const environment = { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), ...program.environment(url) }
  const options = { cwd: join(home, 'work'), environment, timeoutMs: runMs }
  const { output } = await run(bin, program.arguments(prompt, file), options)
  tell(program, what, expected.test(output), output)
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
  const field = ['command', 'cmd'].find((name) => name in properties) ?? 'command'
  given[field] = properties[field]?.type === 'array' ? ['bash', '-c', command] : command
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

// Runs the vendor's own command line (npm `@genspark/cli`) against the emulator, and asks the same with our client: the vendor's program
// is the judge of the emulator, and what both are answered has to be the same. Never asks the live site.
// Usage: npm run vendor-cli-test [-- --cli FOLDER]   (FOLDER: where it is installed already)

import { deepStrictEqual, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { createApiKeyAccount } from '../src/core/account.ts'
import { systemClock } from '../src/core/clock.ts'
import { silentLogger } from '../src/core/logger.ts'
import type { MediaEvent } from '../src/core/media-event.ts'
import { createMetrics } from '../src/core/metrics.ts'
import { createUpstream } from '../src/upstream/client.ts'
import { startEmulator } from '../test/emulator/emulator.ts'

const { values } = parseArgs({ options: { cli: { type: 'string' } } })
const run = promisify(execFile)
const apiKey = 'gsk-of-the-cli-test'
const folder = await mkdtemp(join(tmpdir(), 'genspark2api-cli-'))
const emulator = await startEmulator({ tokenCheck: 'off' })
const upstream = createUpstream({
  ...{
    baseUrl: emulator.url,
    protocol: 'auto',
    transport: 'direct',
    proxyUrl: undefined,
    openByPage: undefined,
  },
  ...{ firstEventTimeoutMs: 20_000, idleTimeoutMs: 20_000, totalTimeoutMs: 60_000, mediaTimeoutMs: 60_000 },
  ...{ clock: systemClock, logger: silentLogger, metrics: createMetrics(), isPublic: () => true },
} as Parameters<typeof createUpstream>[0])
const account = createApiKeyAccount(apiKey)
const { signal } = new AbortController()

try {
  const cli = values.cli ?? (await install())
  await compare(cli)
} finally {
  await upstream.close()
  await emulator.close()
  await rm(folder, { recursive: true, force: true })
}

async function install(): Promise<string> {
  console.log('installing @genspark/cli')
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, '@genspark/cli']
  await run('npm', args, { cwd: folder })
  return folder
}

async function compare(cli: string): Promise<void> {
  const program = join(cli, 'node_modules', '@genspark', 'cli')
  const { version, bin } = JSON.parse(await readFile(join(program, 'package.json'), 'utf8')) as {
    version: string
    bin: Record<string, string>
  }
  console.log(`@genspark/cli ${version} against the emulator`)
  const entry = join(program, bin.gsk ?? '')
  /** Nothing of the machine's own: no key, no configuration, no other address than the emulator's. */
  const gsk = async (args: readonly string[], key: string | undefined = apiKey) => {
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      GSK_BASE_URL: emulator.url,
      ...(key && { GSK_API_KEY: key }),
    }
    const { stdout } = await run(process.execPath, [entry, '--no-input', ...args], {
      cwd: folder,
      env,
      timeout: 60_000,
    })
    return stdout
  }
  const answer = async (args: readonly string[]) => JSON.parse(await gsk(args))

  await step('whose the key is, and its credits', async () => {
    const { data } = await answer(['me'])
    const quota = await upstream.quota(account, signal)
    deepStrictEqual(data.credit_balance, quota?.remaining)
  })

  await step('a key that is refused', async () => {
    emulator.vendor.badKeys.add('gsk-refused')
    const failed = await gsk(['me'], 'gsk-refused').then(
      (text) => /"status":\s*"error"/.test(text),
      () => true,
    )
    ok(failed, 'the command line takes a refused key')
    deepStrictEqual(await upstream.checkLogin(createApiKeyAccount('gsk-refused'), signal), 'signed-out')
  })

  await step('the models', async () => {
    const path = join(folder, 'opencode.json')
    await gsk(['init-opencode', '--out', path])
    const { provider } = JSON.parse(await readFile(path, 'utf8')) as {
      provider: Record<string, { models: Record<string, { limit: { context: number } }> }>
    }
    const theirs = Object.values(provider).flatMap(({ models }) =>
      Object.entries(models).map(([id, { limit }]) => [id, limit.context]),
    )
    const ours = (await upstream.keyModels(account, signal)).map(({ id, contextLength }) => [
      id,
      contextLength,
    ])
    deepStrictEqual(theirs.sort(), ours.sort())
  })

  await step('the tools', async () => {
    const { tools } = await answer(['ls'])
    const names = (tools as { name: string }[]).map(({ name }) => name)
    for (const name of ['image_generation', 'video_generation', 'audio_generation', 'audio_transcribe'])
      ok(names.includes(name), `${name} is not listed`)
  })

  const model = (id: string, kind: 'image' | 'video') => ({
    id,
    kind,
    upstreamIds: { agent: id, copilot: id },
  })
  const common = { prompt: 'a red fox', aspectRatio: '16:9', images: [] }

  await step('a picture', async () => {
    const id = 'nano-banana-2'
    const args = [
      'image_generation',
      common.prompt,
      '--model',
      id,
      '--aspect_ratio',
      '16:9',
      '--image_size',
      '2k',
    ]
    const { status, data } = await answer(args)
    deepStrictEqual([status, data.generated_images.length], ['ok', 1])
    const request = {
      ...common,
      kind: 'image',
      model: model(id, 'image'),
      imageSize: '2k',
      count: 1,
    } as const
    const files = await make({ ...request, quality: undefined, style: undefined })
    deepStrictEqual(files, 1)
    sameBodies()
  })

  await step('a video', async () => {
    const id = 'kling/v3'
    const args = [
      'video_generation',
      common.prompt,
      '--model',
      id,
      '--aspect_ratio',
      '16:9',
      '--duration',
      '5',
    ]
    const { status, data } = await answer(args)
    deepStrictEqual([status, data.generated_videos.length], ['ok', 1])
    const request = {
      ...common,
      kind: 'video',
      model: model(id, 'video'),
      durationS: 5,
      autoPrompt: false,
    } as const
    deepStrictEqual(await make(request), 1)
    sameBodies()
  })

  await step('speech', async () => {
    const id = 'fal-ai/elevenlabs/tts/multilingual-v2'
    const { status, data } = await answer([
      'audio_generation',
      'Hello',
      '--model',
      id,
      '--audio_type',
      'speech',
    ])
    deepStrictEqual([status, data.generated_audios.length], ['ok', 1])
    const request = { model: id, text: 'Hello', voice: undefined, speed: undefined, instructions: undefined }
    for await (const { url } of upstream.speak({ account, request, signal })) ok(URL.canParse(url))
    const [theirs, ours] = emulator.vendor.asks.slice(-2)
    deepStrictEqual({ ...theirs?.body, params: {} }, ours?.body)
  })

  await step('a file, up and down', async () => {
    const path = join(folder, 'words.txt')
    await writeFile(path, 'some words')
    const { data } = await answer(['upload', path])
    deepStrictEqual(emulator.uploads.at(-1)?.bytes?.toString(), 'some words')
    const down = await answer(['download', data.file_wrapper_url])
    const response = await fetch(down.data.download_url)
    deepStrictEqual(await response.text(), 'some words')
  })

  await step('a tool that fails', async () => {
    emulator.vendor.script = { type: 'tool', error: 'the prompt is not allowed' }
    const text = await gsk(['image_generation', 'x', '--model', 'nano-banana-2']).catch(
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
    )
    ok(text.includes('the prompt is not allowed'), text)
    emulator.vendor.script = undefined
  })

  await step('a sign-in by device', async () => {
    const ended = gsk(['login'], '')
    const approve = setInterval(() => {
      for (const code of emulator.vendor.deviceLogins.keys()) emulator.vendor.deviceLogins.set(code, apiKey)
    }, 200)
    await ended.finally(() => clearInterval(approve))
    const { api_key } = JSON.parse(await readFile(join(folder, '.genspark-tool-cli', 'config.json'), 'utf8'))
    deepStrictEqual(api_key, apiKey)
    const { deviceCode } = await upstream.requestDeviceCode(signal)
    emulator.vendor.deviceLogins.set(deviceCode, apiKey)
    deepStrictEqual(await upstream.askDeviceCode({ deviceCode }, signal), { status: 'approved', apiKey })
  })

  deepStrictEqual(emulator.violations, [])
  console.log('the command line and this client are answered alike')
}

async function step(name: string, check: () => Promise<void>): Promise<void> {
  await check()
  console.log(`  ok  ${name}`)
}

/** The last two asks are theirs and ours. */
function sameBodies(): void {
  const [theirs, ours] = emulator.vendor.asks.slice(-2)
  deepStrictEqual(theirs?.body, ours?.body)
}

/** @returns how many files there are */
async function make(request: Parameters<typeof upstream.askMedia>[0]['request']): Promise<number> {
  let last: MediaEvent | undefined
  for await (const event of upstream.askMedia({ generation: 'agent', account, request, signal })) last = event
  return last?.type === 'finished' ? last.files.length : 0
}

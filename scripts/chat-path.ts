// Prints the files of `src` that one plain streamed chat runs through, from socket to socket, by V8's coverage: `node scripts/chat-path.ts`.
// Of another checkout: `node scripts/chat-path.ts FOLDER`.

import { mkdtemp, rm } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'))
const load = (path: string) => import(pathToFileURL(join(root, path)).href)

const { startEmulator } = await load('test/emulator/emulator.ts')
const { parseConfig } = await load('src/config.ts')
const { createService } = await load('src/service.ts')
const emulator = await startEmulator({ tokenCheck: 'off' })
const dataDir = await mkdtemp(join(tmpdir(), 'genspark2api-path-'))
const service = await createService(
  parseConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    GENSPARK_BASE_URL: emulator.url,
    GS_COOKIE: 'session_id=alice',
    RECAPTCHA_MODE: 'off',
    TOKEN_REQUIRED: 'false',
    API_SECRET: 'sk-path',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'silent',
  }),
)
const url = await service.listen()
// What is loaded, compiled or counted once is no part of the path.
for (let warmUp = 0; warmUp < 3; warmUp += 1) await chat()
const files = await covered(chat)
process.stdout.write(`${files.join('\n')}\n${files.length} files\n`)
await service.close()
await emulator.close()
await rm(dataDir, { recursive: true, force: true })

async function chat(): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-path', 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'claude-sonnet-5',
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
  })
  const text = await response.text()
  if (!text.endsWith('data: [DONE]\n\n')) throw new Error(`no whole answer: ${text.slice(0, 200)}`)
}

/** @returns the files of `src` of which a function ran meanwhile, in the order of their paths */
async function covered(run: () => Promise<void>): Promise<string[]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await run()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  const source = pathToFileURL(join(root, 'src/')).href
  return result
    .filter((script) => script.url.startsWith(source))
    .filter(({ functions }) => functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0))
    .map((script) => script.url.slice(source.length))
    .sort()
}

import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startEmulator } from '../emulator/emulator.ts'
import { ask } from '../support/ask-replica.ts'
import { openMemoryGroup } from '../support/memory-group.ts'
import { startOwnBrowser } from '../support/own-browser.ts'
import { spawnService } from '../support/spawn-service.ts'

vi.setConfig({ testTimeout: 180_000 })

let group: Awaited<ReturnType<typeof openMemoryGroup>>
beforeAll(async () => {
  group = await openMemoryGroup(512)
})

test('a service in 512 MB, with its browser outside by BROWSER_ENDPOINT, answers 50 chats of a site that challenges it', async (context) => {
  if (typeof group === 'string') return context.skip(group)
  const { processesFile, peakMb, residentMb, kills, remove } = group
  const emulator = await startEmulator({ challenge: 'clients' })
  onTestFinished(() => emulator.close())
  const browser = await startOwnBrowser()
  const service = await spawnService(
    { GENSPARK_BASE_URL: emulator.url, BROWSER_ENDPOINT: browser.url },
    { processesFile },
  )
  onTestFinished(async () => {
    await service.kill()
    await remove()
  })
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(service.url)))
    for (const { status, code, text } of answers) {
      expect([status, code]).toEqual([200, undefined])
      expect(text).toContain('token accepted')
    }
  }
  expect(emulator.asks).toHaveLength(50)
  expect(await service.chromiumPids()).toEqual([])
  expect(await kills()).toBe(0)
  console.info(
    `512 MB: at most ${(await peakMb()).toFixed(0)} MB, ${(await residentMb()).toFixed(0)} MB resident at the end`,
  )
  service.signal('SIGTERM')
  expect(await service.exitCode).toBe(0)
})

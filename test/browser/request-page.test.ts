import { expect, onTestFinished, test, vi } from 'vitest'
import { installAgent } from '../../src/browser/request-page.ts'

test('a browser whose replies are no byte streams sends its pieces all the same', async () => {
  const said: string[] = []
  const world = globalThis as unknown as Record<string, unknown>
  world.sendOfTest = (text: string) => said.push(...text.split('\n'))
  onTestFinished(() => {
    delete world.sendOfTest
    delete world.genspark2api
    vi.unstubAllGlobals()
  })
  const pieces = ['first ', 'last']
  const body = new ReadableStream({
    pull(controller) {
      const piece = pieces.shift()
      if (piece === undefined) controller.close()
      else controller.enqueue(Buffer.from(piece))
    },
  })
  vi.stubGlobal('fetch', async () => ({ status: 200, headers: new Headers(), body }))
  installAgent({ bindingName: 'sendOfTest', windowBytes: 262_144, joinMs: 4, joinLength: 65_536 })
  const agent = world.genspark2api as { open(request: object): void }
  agent.open({ id: 7, method: 'GET', url: 'https://localhost/', headers: {} })
  await expect.poll(() => said.at(-1)).toBe('e7 ')
  const data = said.filter((line) => line.startsWith('d7 ')).map((line) => line.slice(3))
  expect(data.map((text) => Buffer.from(text, 'base64').toString()).join('')).toBe('first last')
})

import { fileTypeFromBuffer } from 'file-type'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../emulator.ts'
import { agentImageBody, agentVideoBody, askAgent, askHeaders, rawRequest } from '../raw-request.ts'
import { readJson } from '../read-events.ts'
import type { TaskPlan } from './media-scenario.ts'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterEach(() => emulator.close())

const get = (url: string, headers = {}) => rawRequest(url, { headers })
const cookie = { Cookie: askHeaders.Cookie }

/** @returns the URL of its first file */
async function fileOf(plan: TaskPlan, body: unknown = agentImageBody): Promise<string> {
  emulator.answerWith({ type: 'media', tasks: [plan] })
  await askAgent(emulator.url, body)
  const lists = [...emulator.tasks.values()].at(-1)?.urls ?? {}
  return Object.values(lists)[0]?.[0] ?? ''
}

test('a file of the site needs the cookie of its account', async () => {
  const url = await fileOf({})
  const file = await get(`${url}?cache_control=3600`, cookie)
  expect([file.status, file.headers['content-type']]).toEqual([200, 'image/png'])
  expect(file.body).toEqual(emulator.files.get(url)?.bytes)
  for (const headers of [{}, { Cookie: 'session_id=bob' }]) {
    expect(readJson(await get(url, headers))).toEqual({ status: -5, message: 'not login', data: {} })
  }
  expect(emulator.files.get(url)?.sent).toBe(1)
  expect(emulator.violations).toEqual([])
})

test('a public file needs its whole URL and no cookie', async () => {
  const url = await fileOf({ place: 'public' })
  expect((await get(url)).status).toBe(200)
  expect((await get(url.replace('sig=canned', 'sig='))).status).toBe(404)
})

test('redirects lead to public and to other private files', async () => {
  const target = async (place: 'redirect' | 'redirect-with-cookie') => {
    const reply = await get(await fileOf({ place }), cookie)
    expect(reply.status).toBe(302)
    return reply.headers.location ?? ''
  }
  expect((await get(await target('redirect'))).headers['content-type']).toBe('image/png')
  const second = await target('redirect-with-cookie')
  expect(readJson(await get(second))).toMatchObject({ status: -5 })
  expect((await get(second, cookie)).headers['content-type']).toBe('image/png')
})

test('a file may lie on another origin, which sends no CORS headers (WIRE 2.6)', async () => {
  const headers = { Origin: emulator.url }
  const url = await fileOf({ place: 'elsewhere' })
  expect(url).toMatch(/^http:\/\/localhost:\d+\/elsewhere\//)
  const file = await get(url, headers)
  expect([file.status, file.headers['access-control-allow-origin']]).toEqual([200, undefined])
  const reply = await get(await fileOf({ place: 'redirect-elsewhere' }), cookie)
  expect([reply.status, new URL(reply.headers.location ?? '').hostname]).toEqual([302, 'localhost'])
  expect((await get(reply.headers.location ?? '')).headers['content-type']).toBe('image/png')
})

test('pictures and videos are what they say, and differ', async () => {
  const bytes = async (body: unknown) => (await get(await fileOf({}, body), cookie)).body
  const pictures = [await bytes(agentImageBody), await bytes(agentImageBody)] as const
  expect((await fileTypeFromBuffer(pictures[0]))?.mime).toBe('image/png')
  expect(pictures[0]).not.toEqual(pictures[1])
  expect((await fileTypeFromBuffer(await bytes(agentVideoBody)))?.mime).toBe('video/mp4')
})

test('a scenario may choose the bytes', async () => {
  const url = await fileOf({ bytes: Buffer.from('not a picture') })
  expect((await get(url, cookie)).body.toString()).toBe('not a picture')
})

test('a file may break off', async () => {
  const reply = await get(await fileOf({ cutAfter: 10 }), cookie)
  expect(reply.body.subarray(0, 4).toString('latin1')).toBe('\x89PNG')
  expect([reply.body.length, reply.error]).toEqual([10, expect.objectContaining({ code: 'ECONNRESET' })])
})

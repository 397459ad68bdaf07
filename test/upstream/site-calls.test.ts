import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FilePart } from '../../src/core/chat-request.ts'
import { wireGenerations } from '../../src/core/wire-generation.ts'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { account, askWhole, chatRequest, createTestUpstream, kindOf, textOf } from './support.ts'

let emulator: Emulator
let upstream: ReturnType<typeof createTestUpstream>
const { signal } = new AbortController()

beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
  upstream = createTestUpstream(emulator.url)
})

afterEach(async () => {
  await upstream.close()
  await emulator.close()
  expect(emulator.violations).toEqual([])
})

describe.each(wireGenerations)('files in a %s chat', (generation) => {
  const file = (name: string, bytes: Buffer, mimeType = 'application/pdf'): FilePart => ({
    type: 'file',
    name,
    mimeType,
    base64: bytes.toString('base64'),
  })
  const report = file('report.pdf', Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 255, 128]))
  const table = file('Tabelle für 2026.csv', Buffer.from('a,b\n1,2\n'), 'text/csv')
  const request = {
    ...chatRequest(),
    messages: [
      { role: 'user', parts: [{ type: 'text', text: 'Read this.' }, report] },
      { role: 'assistant', parts: [{ type: 'text', text: 'Done.' }] },
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'And these?' },
          table,
          { type: 'image', mimeType: 'image/gif', base64: 'R0lG' },
        ],
      },
    ],
  } as const

  test('are uploaded byte for byte for the account and named in their messages', async () => {
    const outcome = await askWhole(upstream, { generation, request })
    expect(outcome.error).toBeUndefined()
    expect(textOf(outcome)).not.toBe('')
    expect(emulator.uploads.map(({ bytes }) => Buffer.from(bytes ?? []).toString('base64')).sort()).toEqual(
      [report.base64, table.base64].sort(),
    )
    const [first, , last] = emulator.asks[0]?.messages ?? []
    const stored = (base64: string) =>
      emulator.uploads.find(({ bytes }) => Buffer.from(bytes ?? []).toString('base64') === base64)?.storageUrl
    const described = {
      copilot: (name: string, type: string, size: number, ext: string) => ({ name, type, size, ext }),
      agent: (name: string) => ({ name }),
    }[generation]
    expect(first?.content).toEqual([
      { type: 'text', text: 'Read this.' },
      {
        type: 'private_file',
        private_file: {
          ...described('report.pdf', 'application/pdf', 7, 'pdf'),
          private_storage_url: stored(report.base64),
        },
      },
    ])
    expect(last?.content).toEqual([
      { type: 'text', text: 'And these?' },
      {
        type: 'private_file',
        private_file: {
          ...described('Tabelle für 2026.csv', 'text/csv', 8, 'csv'),
          private_storage_url: stored(table.base64),
        },
      },
      { type: 'image_url', image_url: { url: 'data:image/gif;base64,R0lG' } },
    ])
  })

  test('that cannot be uploaded end the ask before it is made', async () => {
    for (const path of ['files/get_upload_url', 'get_upload_personal_image_url'])
      emulator.faults.set(`GET /api/${path}`, { status: 404, body: '' })
    expect(kindOf(await askWhole(upstream, { generation, request }))).toBe('unavailable')
    expect(emulator.asks).toEqual([])
    expect(upstream.generation()).toBe('agent')
  })

  test('of a session that is signed out are a matter of the account', async () => {
    emulator.signOut('alice')
    expect(kindOf(await askWhole(upstream, { generation, request }))).toBe('signed-out')
    expect(emulator.asks).toEqual([])
  })
})

test('gen 2 uploads by the route of gen 1 where its own is missing', async () => {
  emulator.faults.set('GET /api/files/get_upload_url', { status: 404, body: '' })
  const request = {
    ...chatRequest(),
    messages: [
      {
        role: 'user',
        parts: [{ type: 'file', name: 'a.pdf', mimeType: 'application/pdf', base64: 'JVBERg==' }],
      },
    ],
  } as const
  expect((await askWhole(upstream, { request })).error).toBeUndefined()
  expect(emulator.uploads.filter(({ bytes }) => bytes)).toHaveLength(1)
})

test('FINDINGS A10: the token is taken once the files are uploaded', async () => {
  const parts = [{ type: 'file', name: 'late.pdf', mimeType: 'application/pdf', base64: 'bGF0ZQ==' }] as const
  const request = { ...chatRequest(), messages: [{ role: 'user', parts }] } as const
  const before = emulator.uploads.length
  let uploaded = 0
  const takeToken = () => {
    uploaded = emulator.uploads.length - before
    return Promise.resolve('late')
  }
  expect((await askWhole(upstream, { request, takeToken })).error).toBeUndefined()
  expect(uploaded).toBe(1)
})

test('modelLists tells what the site lists, wherever the list stands, without what is hidden', async () => {
  for (const wrapped of [false, true]) {
    emulator.lists.wrapped = wrapped
    emulator.lists.text = [{ name: 'gpt-7' }, { name: 'old', hidden: true }]
    // FINDINGS U8: `auto` is a choice of the page.
    emulator.lists.image = [{ name: 'auto' }, { name: 'gpt-image-3' }]
    expect(await upstream.modelLists(signal)).toEqual({ text: ['gpt-7'], image: ['gpt-image-3'] })
  }
})

test('FINDINGS A7: quota is what the tightest window of the account has left, else its credits', async () => {
  expect(await upstream.quota(account, signal)).toEqual({ remaining: 1.5, limit: 2 })
  emulator.faults.set('GET /api/quota/free_pool', { status: 404, body: '' })
  expect(await upstream.quota(account, signal)).toEqual({ remaining: 100, limit: undefined })
  emulator.faults.set('GET /api/payment/get_credit_balance', { status: 404, body: '' })
  expect(await upstream.quota(account, signal)).toEqual({ remaining: 100, limit: undefined })
  emulator.faults.set('GET /api/credit_audit/billing_cycle', { status: 404, body: '' })
  expect(await upstream.quota(account, signal)).toBeUndefined()
  emulator.faults.set('GET /api/credit_audit/billing_cycle', { reset: true })
  await expect(upstream.quota(account, signal)).rejects.toMatchObject({ kind: 'reset' })
})

describe('deleteProject', () => {
  test('deletes a chat; one that is gone is deleted', async () => {
    await askWhole(upstream)
    const [id = ''] = emulator.projects.keys()
    await upstream.deleteProject(account, id, signal)
    expect(emulator.projects.size).toBe(0)
    await upstream.deleteProject(account, id, signal)
  })

  test.each([
    ['signed-out', { status: 401, body: { status: -5, message: 'not login' } }],
    ['unavailable', { status: 503, body: '' }],
    ['reset', { reset: true }],
    ['malformed', { status: 200, body: { status: -1, message: 'try later' } }],
  ])('throws %s', async (kind, fault) => {
    emulator.faults.set('GET /api/project/delete', fault)
    await expect(upstream.deleteProject(account, 'p', signal)).rejects.toMatchObject({ kind })
  })
})

test.each([
  'http://169.254.169.254/latest',
  'http://127.0.0.1:9/put',
  'http://[::1]:9/',
  'file:///tmp/x',
  'http://',
])('FINDINGS S1: nothing is uploaded to %s, whoever names it', async (place) => {
  emulator.faults.set('GET /api/files/get_upload_url', {
    status: 200,
    body: JSON.stringify({ data: { upload_url: place, file_wrapper_url: 'https://x/' } }),
  })
  const file = { type: 'file', name: 'a.pdf', mimeType: 'application/pdf', base64: 'JVBERg==' } as const
  const request = { ...chatRequest(), messages: [{ role: 'user', parts: [file] }] } as const
  expect(kindOf(await askWhole(upstream, { request }))).toBe(
    place === 'http://' ? 'unavailable' : 'bad-request',
  )
  expect(emulator.uploads.filter(({ bytes }) => bytes)).toEqual([])
  expect(emulator.asks).toEqual([])
})
